export type { McpOptions } from './endpoint.ts'
export { createReviewTaskIds } from './modern/review-task-ids.ts'
export { resourceMetadataRoutes } from './resource-metadata.ts'
export { type McpEntrance, mcpRoutes } from './streamable-http.ts'

export type { McpOptions } from './endpoint.ts'
export { resourceMetadataRoutes } from './resource-metadata.ts'
export { type McpEntrance, mcpRoutes } from './streamable-http.ts'

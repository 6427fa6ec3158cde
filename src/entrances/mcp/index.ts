export type { McpOptions } from './endpoint.ts'
export { type McpEntrance, mcpRoutes } from './streamable-http.ts'

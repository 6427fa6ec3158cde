export type { HttpRoute, Limits, StdioRoute, UpstreamConfig } from './upstream-config.ts'
export { createUpstreams, type UpstreamsOptions } from './upstreams.ts'

export type { HttpUpstreamConfig, Limits, StdioUpstreamConfig, UpstreamConfig } from './upstream-config.ts'
export { createUpstreams, type UpstreamsOptions } from './upstreams.ts'

export { createLog, type FlushableLog, type LogSettings } from './log.ts'
export { createMetrics, type Metrics, type Reading, type Readings } from './metrics.ts'
export type { SinkTarget } from './sink.ts'

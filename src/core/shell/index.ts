export { lineAct } from './commands.ts'
export { describeLine } from './line.ts'

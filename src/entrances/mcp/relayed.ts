import { JUDGED_REQUESTS } from '../../core/envelope.ts'
import { AegisError } from '../../core/errors.ts'
import { isModernRevision } from './modern/revision.ts'

/** Methods that never pass unlooked at: calls and reads are judged, lists of tools are filtered. */
const LOOKED_AT: ReadonlySet<string> = new Set(['tools/call', 'tools/list', ...JUDGED_REQUESTS].map(folded))

/**
 * Of clients with a handshake: tasks belong to the stateless era alone, where it is known whose they are
 * (`modern/tasks.ts`), and so does listening for them.
 */
const STATELESS_ONLY = /^(?:tasks\/|subscriptions\/)/

/**
 * Whatever is not judged passes to the upstream unchanged, but for what a generous upstream might take for something
 * that is: `Tools/Call`, `tools/call ` or `tools//call` would run there without a decision and without an entry.
 * @throws AegisError `method_not_found`
 */
export function demandRelayable(method: string, protocolVersion: string): void {
  if (!/^[\x21-\x7e]+$/.test(method)) throw unknown(method, 'methods are written in ASCII, without blanks')
  if (LOOKED_AT.has(folded(method))) throw unknown(method, 'write the method as the specification does')
  if (STATELESS_ONLY.test(method) && !isModernRevision(protocolVersion)) {
    throw unknown(method, 'it is spoken in revision 2026-07-28 only')
  }
}

function folded(method: string): string {
  return method.toLowerCase().replace(/[^a-z0-9]/g, '')
}

function unknown(method: string, advice: string): AegisError {
  return new AegisError('method_not_found', `no method ${JSON.stringify(method.slice(0, 64))} here`, { advice })
}

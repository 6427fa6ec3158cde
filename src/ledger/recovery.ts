import { AegisError } from '../core/errors.ts'
import type { EnvelopeId, SessionId } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { EntryBody } from './body.ts'
import type { EntryDraft } from './draft.ts'
import { bootLeaf } from './log-leaves.ts'
import type { Scribe } from './seal.ts'
import type { LedgerStore, LogHead } from './store.ts'
import { examine } from './testimony.ts'
import type { Writer } from './writer.ts'

/**
 * Looks at what a crash may have touched: the ends of all chains, and every entry since the oldest open intent.
 * Rows that were written and never acknowledged may appear; they are part of the log.
 * @throws AegisError `evidence_unavailable` where the log is shorter than, or other than, its head rows say: then nothing may be appended
 */
export async function replay(store: LedgerStore, head: LogHead): Promise<readonly EntryBody[]> {
  const { count, last } = await store.extent()
  if (count !== head.size - head.minIndex || last !== head.size - 1) {
    throw damaged(`its head says ${head.size} entries, ${count} are there`)
  }
  const [broken] = await store.brokenHeads()
  if (broken !== undefined) throw damaged(`session ${broken} does not end where its head row says`)
  const open = new Map<string, EntryBody>()
  for await (const page of store.entries(head.replayFrom)) {
    for (const entry of page) {
      const { sound, body } = examine({ ...entry, columns: null })
      if (!sound) throw damaged(`entry ${entry.n} does not have its hash`)
      if (body === null) continue
      if (body.kind === 'result' || body.kind === 'orphan') open.delete(body.env)
      else if (body.effect === 'forward') open.set(body.env, body)
    }
  }
  return [...open.values()]
}

function damaged(how: string): AegisError {
  return new AegisError('evidence_unavailable', `the stored log is damaged: ${how}`, {
    advice:
      'Run `aegisctl evidence sessions` and `aegisctl evidence verify`, then restore the data directory from a backup.',
  })
}

/** Closes what a crash left open, then marks the start: orphans first, so that a crash in between leaves them open. */
export async function closeDangling(
  writer: Writer,
  store: LedgerStore,
  scribe: Scribe,
  dangling: readonly EntryBody[],
): Promise<void> {
  await Promise.all(dangling.map((intent) => writer.append(orphanOf(intent))))
  await writer.leaf(bootLeaf(scribe, writer.stats().size, store.settings))
}

function orphanOf(intent: EntryBody): EntryDraft {
  const actor = objectMember(intent.whole['actor'])
  const action = objectMember(intent.whole['action'])
  return {
    kind: 'orphan',
    session: intent.session as SessionId,
    env: intent.env as EnvelopeId,
    ref: intent.env as EnvelopeId,
    actor: { agent: text(actor, 'agent'), subject: text(actor, 'subject'), tenant: text(actor, 'tenant') },
    action: { protocol: text(action, 'protocol'), tool: intent.tool, capability: text(action, 'capability') },
    ...{ decision: null, effect: null, findings: [], blast: null, reviewer: null },
    outcome: { label: null, status: 'unknown', credential: null },
    ...{ commitments: [], changes: [] },
  }
}

function objectMember(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

function text(object: JsonObject, key: string): string {
  return textMember(object, key) ?? ''
}

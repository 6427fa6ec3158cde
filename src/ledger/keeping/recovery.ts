import { AegisError } from '../../core/errors.ts'
import type { EnvelopeId, SessionId } from '../../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import type { EntryDraft } from '../draft.ts'
import type { EntryBody } from '../format/body.ts'
import type { Departed, Fleet, LedgerReader, LedgerStore } from '../store.ts'
import { examine } from '../verify/testimony.ts'
import { withSnapshot } from '../with-snapshot.ts'
import type { Writer } from '../writer.ts'

/**
 * Looks at what a crash may have touched: the ends of all chains, and every entry since the oldest open intent.
 * Rows that were written and never acknowledged may appear; they are part of the log.
 * @throws AegisError `evidence_unavailable` where the log is shorter than, or other than, its head rows say: then nothing may be appended
 */
export async function replay(store: LedgerStore): Promise<readonly OpenIntent[]> {
  // In one snapshot: other gateways go on writing.
  return withSnapshot(store, async (reader) => {
    const head = await reader.head()
    const { count, last } = await reader.extent()
    if (head === null || count !== head.size - head.minIndex || last !== head.size - 1) {
      throw damaged(`its head says ${head?.size ?? 0} entries, ${count} are there`)
    }
    const [broken] = await reader.brokenHeads()
    if (broken !== undefined) throw damaged(`session ${broken} does not end where its head row says`)
    return openIntents(reader, head.replayFrom)
  })
}

/** An effect that was recorded and whose result was not. */
export interface OpenIntent {
  readonly n: number
  readonly gateway: string
  readonly body: EntryBody
}

/** @throws AegisError `evidence_unavailable` where an entry does not have its hash */
async function openIntents(reader: LedgerReader, from: number): Promise<readonly OpenIntent[]> {
  const open = new Map<string, OpenIntent>()
  for await (const page of reader.entries(from)) {
    for (const entry of page) {
      const { sound, body } = examine({ ...entry, columns: null })
      if (!sound) throw damaged(`entry ${entry.n} does not have its hash`)
      if (body === null) continue
      const gateway = textMember(body.whole, 'gw') ?? ''
      if (body.kind === 'result' || body.kind === 'orphan') open.delete(body.env)
      else if (body.effect === 'forward') open.set(body.env, { n: entry.n, gateway, body })
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

/**
 * Closes as `orphan` what gateways left open that are no more; alone on a log, that is all that is open.
 * @returns how many were closed
 */
export async function closeAbandoned(
  writer: Writer,
  fleet: Fleet | null,
  open: readonly OpenIntent[],
): Promise<number> {
  const departed = fleet === null ? null : (await fleet.claim(firstOf(open))).map(({ gateway }) => gateway)
  const abandoned = departed === null ? open : open.filter(({ gateway }) => departed.includes(gateway))
  await Promise.all(abandoned.map(({ body }) => writer.append(orphanOf(body))))
  if (departed !== null && departed.length > 0) await fleet?.settled(departed)
  return abandoned.length
}

/** Each gateway with the oldest intent it has open. */
function firstOf(open: readonly OpenIntent[]): readonly Departed[] {
  const first = new Map<string, number>()
  for (const { gateway, n } of open) first.set(gateway, Math.min(n, first.get(gateway) ?? n))
  return [...first].map(([gateway, replayFrom]) => ({ gateway, replayFrom }))
}

/** Looks after gateways that died meanwhile. */
export async function tidyAfterOthers(writer: Writer, store: LedgerStore, fleet: Fleet): Promise<void> {
  const departed = await fleet.claim()
  if (departed.length === 0) return
  const from = Math.min(...departed.map(({ replayFrom }) => replayFrom))
  const open = await withSnapshot(store, (reader) => openIntents(reader, from))
  await closeAbandoned(writer, fleet, open)
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

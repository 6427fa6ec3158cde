import type { SessionId } from '../../src/core/ids.ts'
import type { EntryDraft } from '../../src/ledger/draft.ts'
import { committed, draft, newId } from '../support/drafts.ts'
import { createLogWriter, type LogState, type LogWriter } from './log.ts'

/** A small generator with a seed, so that what fails can be seen again (Mulberry32, public domain). */
export type Dice = (below: number) => number

export function dice(seed: number): Dice {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const SESSIONS = ['key_a1/one', 'key_a1/two', 'key_b2/three'] as readonly string[] as readonly SessionId[]
const START = Date.parse('2026-04-06T14:00:00Z')

/** What a gateway has under way in one session. */
interface Running {
  readonly session: SessionId
  readonly envelopes: EntryDraft[]
  readonly pending: { review: EntryDraft; approved: boolean }[]
}

export interface HonestLog {
  readonly state: LogState
  readonly sessions: readonly SessionId[]
}

/** Several sessions in turn: reads, blocks, sent calls with and without results, approvals, erasures, manifests, restarts, a clock of its own mind. */
export async function honestLog(seed: number): Promise<HonestLog> {
  const roll = dice(seed)
  const writer = createLogWriter()
  const running = SESSIONS.slice(0, 1 + roll(3)).map((session): Running => ({ session, envelopes: [], pending: [] }))
  let time = START
  for (let step = 6 + roll(24); step > 0; step -= 1) {
    // Every ninth time the clock is set back.
    time += roll(9) === 0 ? -3_600_000 : roll(1000)
    writer.at(new Date(time).toISOString())
    const one = running[roll(running.length)]
    if (one !== undefined) await act(writer, one, running, roll)
  }
  const written = [...writer.state().sessions.keys()]
  if (written.length === 0) writer.append(draft({ session: SESSIONS[0] ?? ('key/one' as SessionId) }))
  if (roll(4) > 0) await writer.sign()
  return { state: writer.state(), sessions: [...writer.state().sessions.keys()] as SessionId[] }
}

async function act(writer: LogWriter, one: Running, all: readonly Running[], roll: Dice): Promise<void> {
  const { session } = one
  const acts = [
    () => writer.append(draft({ session, commitments: committed(`v${roll(100)}`) })),
    () => writer.append(draft({ session, kind: 'block', effect: 'none' })),
    () => send(writer, one, draft({ session, effect: 'forward', commitments: committed('sent') })),
    () => finish(writer, one, 'result'),
    () => review(writer, one),
    () => settle(writer, one, roll),
    () => redeem(writer, one),
    () => erase(writer, session),
    () => (writer.state().sessions.has(session) ? writer.manifest(session, roll(3) === 0) : undefined),
    () => writer.sign(),
    () => restart(writer, all),
    // Two sessions in one batch.
    () => writer.append(...all.map((other) => draft({ session: other.session }))),
  ]
  await acts[roll(acts.length)]?.()
}

function send(writer: LogWriter, one: Running, sent: EntryDraft): void {
  writer.append(sent)
  one.envelopes.push(sent)
}

function finish({ append }: LogWriter, one: Running, kind: 'result' | 'orphan'): void {
  const sent = one.envelopes.shift()
  if (sent === undefined) return
  const outcome = { label: null, status: kind === 'result' ? 'ok' : 'unknown', credential: null } as const
  append(
    draft({
      session: one.session,
      kind,
      env: sent.env,
      ref: kind === 'orphan' ? sent.env : null,
      effect: null,
      outcome,
    }),
  )
}

function review({ append }: LogWriter, one: Running): void {
  const waiting = draft({ session: one.session, kind: 'review', effect: null, commitments: committed('asked') })
  append(waiting)
  one.pending.push({ review: waiting, approved: false })
}

function settle({ append }: LogWriter, one: Running, roll: Dice): void {
  const waiting = one.pending.find(({ approved }) => !approved)
  if (waiting === undefined) return
  const kind = (['approve', 'approve', 'deny', 'expire'] as const)[roll(4)] ?? 'approve'
  append(draft({ session: one.session, kind, env: waiting.review.env, effect: null }))
  if (kind === 'approve') waiting.approved = true
  else one.pending.splice(one.pending.indexOf(waiting), 1)
}

function redeem(writer: LogWriter, one: Running): void {
  const given = one.pending.find(({ approved }) => approved)
  if (given === undefined) return
  one.pending.splice(one.pending.indexOf(given), 1)
  const { commitments, env: ref } = given.review
  send(writer, one, draft({ session: one.session, env: newId(), ref, effect: 'forward', commitments }))
}

function erase(writer: LogWriter, session: SessionId): void {
  const { entries, payloads } = writer.state()
  const [held] = payloads.filter(({ n }) => entries[n]?.session === session)
  if (held === undefined) return
  const words = { session, reason: 'asked for', authority: 'GDPR 17', by: 'key_admin' }
  const gone = { n: held.n, path: held.path }
  writer.leaf('erase', { ...words, refs: [held.n], paths: [held.path] }, { session, erased: [gone] })
}

/** After a crash: what was open is closed as orphan, then the gateway says that it is there. */
function restart(writer: LogWriter, all: readonly Running[]): void {
  for (const one of all) while (one.envelopes.length > 0) finish(writer, one, 'orphan')
  writer.leaf('boot', { size: writer.state().log.size, store: { journal: 'wal' } })
}

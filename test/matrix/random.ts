import { expect } from 'vitest'
import { buildBundle, type EvidenceBundle } from '../../src/ledger/bundle/bundle.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { type Evidence, judge, type Verdict } from './case.ts'
import { type Dice, dice, type HonestLog, honestLog } from './honest.ts'
import { copyOf, type LogState, memoryReader } from './log.ts'
import { PINS } from './sample.ts'
import { VERIFIER } from './verifier.ts'

/** Another each time; `AEGIS_TEST_SEED` brings one back. */
export const SEED = Number(process.env['AEGIS_TEST_SEED'] ?? Date.now() % 1_000_000)

const signed = ({ checkpoints }: LogState) => checkpoints.length > 0
const storeOf = (state: LogState, session: string): Evidence => ({
  ...{ as: 'store', reader: memoryReader(state), session },
  ...(signed(state) && { pins: PINS }),
})

async function bundleOf(state: LogState, session: string): Promise<Evidence & { readonly as: 'bundle' }> {
  const bundle = await buildBundle(memoryReader(state), session, [])
  return { as: 'bundle', text: JSON.stringify(bundle), pins: signed(state) ? PINS : null }
}

const sound = ({ outcome }: Verdict) => outcome === 'valid' || outcome === 'below'

/** Honest logs raise no false alarm, as a store and as bundles. Gives the number of verdicts. */
export async function honestOnes(seed: number, logs: number): Promise<number> {
  let asked = 0
  for (let index = 0; index < logs; index += 1) {
    const { state, sessions } = await honestLog(seed + index)
    for (const session of sessions) {
      for (const evidence of [storeOf(state, session), await bundleOf(state, session)]) {
        const verdict = await judge(VERIFIER, evidence)
        const told = `log ${seed + index}, ${session}, ${evidence.as}: ${JSON.stringify(verdict)}`
        expect(sound(verdict), told).toBe(true)
        asked += 1
      }
    }
  }
  return asked
}

/** Each of so many logs and bundles differs from an honest one in one byte, and none of them verifies. */
export async function oneByteEach(seed: number, changes: number): Promise<void> {
  const roll = dice(seed)
  for (let made = 0, batch = 0; made < changes; batch += 1) {
    const log = await honestLog(seed + batch)
    const bundle = await buildBundle(memoryReader(log.state), log.sessions[0] ?? '', [])
    for (let index = 0; index < 50 && made < changes; index += 1) {
      const [evidence, what] = changed(log, bundle, roll)
      if (evidence === null) continue
      const verdict = await judge(VERIFIER, evidence)
      expect(sound(verdict), `seed ${seed}, change ${made}: ${what}`).toBe(false)
      made += 1
    }
  }
}

function changed(log: HonestLog, bundle: EvidenceBundle | null, roll: Dice): readonly [Evidence | null, string] {
  const parts = [changedRow, changedRow, changedPayload, changedHead, changedBundle] as const
  const part = parts[roll(parts.length)] ?? changedRow
  return part(log, bundle, roll)
}

const COLUMNS = ['body', 'hash', 'eid', 'kind', 'env', 'ts', 'prev'] as const

function changedRow({ state }: HonestLog, _: unknown, roll: Dice): readonly [Evidence | null, string] {
  const rows = state.entries.filter(({ seq }) => seq !== null)
  const row = rows[roll(rows.length)]
  const column = COLUMNS[roll(COLUMNS.length)] ?? 'body'
  if (row === undefined || row.session === null) return [null, 'no row']
  const copy = copyOf(state)
  const value = row[column]
  const next: StoredEntry = {
    ...row,
    [column]: typeof value === 'string' ? changedText(value, roll) : changedBytes(value ?? new Uint8Array(), roll),
  }
  copy.entries[row.n] = next
  return [storeOf(copy, row.session), `entry ${row.n} ${column}`]
}

function changedPayload({ state }: HonestLog, _: unknown, roll: Dice): readonly [Evidence | null, string] {
  const payload = state.payloads[roll(Math.max(1, state.payloads.length))]
  const session = payload && state.entries[payload.n]?.session
  if (payload === undefined || session === null || session === undefined) return [null, 'no payload']
  const copy = copyOf(state)
  const column = (['salt', 'value', 'path'] as const)[roll(3)] ?? 'value'
  const value = payload[column]
  const next = {
    ...payload,
    [column]: typeof value === 'string' ? changedText(value, roll) : changedBytes(value, roll),
  }
  copy.payloads[copy.payloads.indexOf(payload)] = next
  return [storeOf(copy, session), `payload of ${payload.n} ${column}`]
}

function changedHead({ state, sessions }: HonestLog, _: unknown, roll: Dice): readonly [Evidence | null, string] {
  const session = sessions[roll(sessions.length)] ?? ''
  const head = state.sessions.get(session)
  if (head === undefined) return [null, 'no head']
  const copy = copyOf(state)
  copy.sessions.set(session, { ...head, headHash: changedText(head.headHash, roll) })
  return [storeOf(copy, session), `head of ${session}`]
}

/** Only what vouches or is vouched for: hints for people, and which checkpoint the manifest's leaf was not needed for, are not. */
function changedBundle(log: HonestLog, bundle: EvidenceBundle | null, roll: Dice): readonly [Evidence | null, string] {
  const entry = bundle?.entries[roll(bundle.entries.length)]
  if (!bundle || entry === undefined) return [null, 'no bundle']
  const edits: readonly (() => EvidenceBundle)[] = [
    () => ({
      ...bundle,
      entries: bundle.entries.map((one) => (one === entry ? { ...one, body: changedText(one.body, roll) } : one)),
    }),
    () => ({
      ...bundle,
      entries: bundle.entries.map((one) => (one === entry ? { ...one, hash: changedText(one.hash, roll) } : one)),
    }),
    () => ({ ...bundle, manifest: { ...bundle.manifest, body: changedText(bundle.manifest.body, roll) } }),
    () => ({ ...bundle, manifest: { ...bundle.manifest, hash: changedText(bundle.manifest.hash, roll) } }),
    () => ({ ...bundle, origin: changedText(bundle.origin, roll) }),
    () => ({ ...bundle, session: changedText(bundle.session, roll) }),
    () => ({ ...bundle, proof: bundle.proof && changedText(bundle.proof, roll) }),
    () => ({
      ...bundle,
      disclosures: bundle.disclosures.map((one, index) =>
        index === 0 ? { ...one, value: changedText(one.value, roll) } : one,
      ),
    }),
  ]
  const at = roll(edits.length)
  const text = JSON.stringify(edits[at]?.())
  if (text === JSON.stringify(bundle)) return [null, 'nothing to change']
  return [{ as: 'bundle', text, pins: signed(log.state) ? PINS : null }, `bundle, part ${at}`]
}

function changedText(text: string, roll: Dice): string {
  const at = roll(text.length)
  const other = String.fromCharCode(text.charCodeAt(at) ^ (1 + roll(127)))
  return text.slice(0, at) + other + text.slice(at + 1)
}

function changedBytes(bytes: Uint8Array, roll: Dice): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = roll(copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 + roll(255))
  return copy
}

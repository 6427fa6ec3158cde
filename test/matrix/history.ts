import { SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { checkpointOf, copyOf, createLogWriter, type LogState, memoryReader, SIGNER, tilesOf } from './log.ts'
import { agreeHeads, regrow, rewriteFrom } from './rewrite.ts'
import { fullDraft, indexOf, newest, OTHER, PINS, sample, storeOf } from './sample.ts'

/** More than one tile, and a ragged edge. */
const LONG = 140

async function longSample(): Promise<LogState> {
  const writer = createLogWriter()
  writer.leaf('boot', { size: 0, store: {} })
  for (let index = 0; index < LONG; index += 1) {
    writer.append(fullDraft(index % 7), fullDraft(index % 7, OTHER))
    if (index === 40 || index === 100) await writer.sign()
  }
  await writer.sign()
  return writer.state()
}

const STARTS = [
  { name: 'the first entry', seq: 0, good: 0 },
  { name: 'the middle', seq: LONG / 2, good: 83 },
  { name: 'the last entry', seq: LONG - 1, good: 203 },
] as const

/** How far whoever rewrites history gets: each has what the one before has. */
const REACHES = ['rows', 'tiles', 'stolen key', 'key and the gateway’s own memory'] as const

async function reach(honest: LogState, from: number, how: (typeof REACHES)[number]): Promise<LogState> {
  const state = copyOf(honest)
  rewriteFrom(state, from)
  if (how === 'rows') return state
  state.tiles = tilesOf(state)
  if (how === 'tiles') return state
  state.checkpoints = []
  for (const { size } of honest.checkpoints) {
    const part = copyOf(state)
    part.entries = part.entries.slice(0, size)
    regrow(part)
    state.checkpoints.push(await checkpointOf(part, [SIGNER]))
  }
  return state
}

export async function consistentRewrites(): Promise<Group> {
  const honest = await longSample()
  const anchors = honest.checkpoints.map(({ note }) => ({ by: 'place', sink: 'file', note }) as const)
  const cases = STARTS.flatMap((start) =>
    REACHES.flatMap((how) =>
      [false, true].map((anchored): Case => {
        const evidence = async (): Promise<Evidence> => {
          const state = await reach(honest, indexOf(honest, start.seq), how)
          const remembered = (how === REACHES[3] ? newest(state) : newest(honest)).note
          return storeOf(state, { remembered, ...(anchored && { anchors }) })
        }
        const name = `${how} from ${start.name}, ${anchored ? 'anchored' : 'not anchored'}`
        return { name, evidence, expect: rewriteExpected(how, anchored, start) }
      }),
    ),
  )
  return { name: 'T4 consistent rewrites', cases }
}

function rewriteExpected(how: (typeof REACHES)[number], anchored: boolean, start: (typeof STARTS)[number]): Expected {
  // Two checkpoints tell between which sizes it is.
  if (how === 'rows' || how === 'tiles') return { outcome: 'tampered', class: 'REWRITTEN', n: start.good }
  if (how === 'stolen key') return { outcome: 'tampered', class: ['FORK', 'REWRITTEN'] }
  // With the key and every memory of what was signed, only an anchor contradicts. That is the documented limit.
  return anchored ? { outcome: 'tampered', class: ['FORK', 'REWRITTEN'] } : { outcome: 'valid', trust: 'self-signed' }
}

const SEGMENT = 9
const CUTS: readonly {
  readonly name: string
  readonly keep: (index: number, session: string | null, count: number) => boolean
  readonly rows: string
  /** The session that is asked for. */
  readonly session: string
  /** Nothing of it is left: it cannot even be asked for, which is no verdict. */
  readonly gone?: true
}[] = [
  { name: 'the last entry', keep: (index, _, count) => index < count - 1, rows: 'TRUNCATED_TAIL', session: OTHER },
  { name: 'the last five', keep: (index, _, count) => index < count - 5, rows: 'TRUNCATED_TAIL', session: SESSION },
  { name: 'the first five', keep: (index) => index >= 5, rows: 'TRUNCATED_HEAD', session: SESSION },
  { name: 'a session', keep: (_, session) => session !== OTHER, rows: 'SESSION_MISSING', session: OTHER, gone: true },
  { name: 'all', keep: () => false, rows: 'SESSION_MISSING', session: SESSION, gone: true },
  { name: 'what came after a checkpoint', keep: (index) => index < SEGMENT, rows: 'TRUNCATED_TAIL', session: SESSION },
]

export async function truncations(): Promise<Group> {
  const honest = await sample()
  const anchors = [{ by: 'place', sink: 'file', note: newest(honest).note }] as const
  const cases = CUTS.flatMap(({ name, keep, rows, session, gone }): Case[] => {
    const cut = () => {
      const state = copyOf(honest)
      const { length } = state.entries
      state.entries = state.entries.filter(
        (entry, index) => keep(index, entry.session, length - 1) && entry.kind !== 'manifest',
      )
      state.sessions = new Map([...state.sessions].map(([id, head]) => [id, { ...head, manifestN: null }]))
      return state
    }
    const consistent = (checkpoints: LogState['checkpoints'] | null) => {
      const state = cut()
      regrow(state)
      agreeHeads(state)
      state.checkpoints =
        checkpoints ?? honest.checkpoints.filter(({ size }) => size <= state.log.size && name.includes('checkpoint'))
      return state
    }
    const seen = { session, ...(gone && name === 'a session' && { session: SESSION }) }
    const refused = name === 'all'
    const covered: Expected = refused ? { outcome: 'refused' } : { outcome: 'tampered', class: 'ROLLBACK' }
    return [
      {
        name: `${name}: rows alone, never signed`,
        evidence: (): Evidence => ({ as: 'store', reader: memoryReader({ ...cut(), checkpoints: [] }), session }),
        expect: { outcome: 'tampered', class: rows },
      },
      {
        name: `${name}: all made to fit, but a checkpoint covers it`,
        evidence: () => storeOf(consistent(honest.checkpoints), seen),
        expect: covered,
      },
      {
        name: `${name}: all made to fit, checkpoints too, but it was anchored`,
        evidence: () => storeOf(consistent(null), { ...seen, anchors }),
        expect: covered,
      },
      {
        name: `${name}: all made to fit, checkpoints too, but the gateway remembers`,
        evidence: () => storeOf(consistent(null), { ...seen, remembered: newest(honest).note }),
        expect: covered,
      },
    ]
  })
  return { name: 'T5 truncations', cases: [...cases, ...untouched(honest)] }
}

function untouched(honest: LogState): Case[] {
  const anchors = [{ by: 'place', sink: 'file', note: newest(honest).note }] as const
  return [SESSION, OTHER].map((session) => ({
    name: `nothing was cut: ${session}`,
    evidence: () => storeOf(honest, { session, anchors, remembered: newest(honest).note, pins: PINS }),
    expect: { outcome: 'valid', trust: 'anchored(file)', only: [] },
  }))
}

import { draft, SESSION } from '../support/drafts.ts'
import type { Case, Evidence, Expected, Group } from './case.ts'
import { impatient } from './impatient.ts'
import { copyOf, createLogWriter, type LogState, memoryReader } from './log.ts'
import { regrow, rewriteFrom } from './rewrite.ts'
import { entryAt, fullDraft, headOf, newest, OTHER, PINS, storeOf } from './sample.ts'

const ROUNDS = 300

/** More than two tiles, signed five times. */
async function signedOften(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < ROUNDS; index += 1) {
    writer.append(fullDraft(index % 7), fullDraft(index % 7, OTHER))
    if (index % 60 === 59) await writer.sign()
  }
  return writer.state()
}

/** Leaves of the log itself and nothing else, signed in between: they are read without a pause. */
async function leavesAlone(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < 600; index += 1) {
    writer.leaf('boot', { size: index, store: {} })
    if (index % 100 === 50) await writer.sign()
  }
  await writer.sign()
  return writer.state()
}

/** Version 2 of the format in one of two sessions, by a gateway that is newer than this verifier. */
async function newer(): Promise<LogState> {
  const writer = createLogWriter()
  for (let index = 0; index < 3; index += 1) writer.append(draft(), fullDraft(index, OTHER))
  const state = writer.state()
  rewriteFrom(state, 5, (body) => body.replace('evidence/1', 'evidence/2'))
  return state
}

interface Deed {
  readonly name: string
  readonly edit: (copy: LogState) => void
  readonly expect: Expected
  readonly session?: string
}

/** Where nobody signed the end of the log, what is left says it alone. */
const UNSIGNED: readonly Deed[] = [
  {
    name: 'the last row is gone',
    edit: (copy) => {
      copy.entries.pop()
    },
    expect: { outcome: 'tampered', class: 'DELETED' },
  },
  {
    name: 'an entry more, of a session that has no beginning, and all made to fit',
    edit: (copy) => {
      const last = entryAt(copy, copy.entries.length - 1)
      copy.entries.push({ ...last, n: last.n + 1, session: 'key_c3/x', seq: 4 })
      regrow(copy)
    },
    expect: { outcome: 'tampered', class: 'INSERTED', only: ['INSERTED'], count: 1 },
  },
  {
    name: 'a head row of a session that has no entry',
    edit: (copy) => {
      copy.sessions.set('key_c3/x', { ...headOf(copy), session: 'key_c3/x' })
    },
    expect: { outcome: 'tampered', class: 'PROJECTION_MISMATCH', only: ['PROJECTION_MISMATCH'], count: 1 },
  },
]

const SIGNED: readonly Deed[] = [
  {
    name: 'all tiles are gone: it is told once',
    session: SESSION,
    edit: (copy) => {
      copy.tiles = []
    },
    expect: { outcome: 'tampered', only: ['PROJECTION_MISMATCH'], count: 1 },
  },
  {
    name: 'history is rewritten, and an old checkpoint stands under a larger size',
    session: SESSION,
    edit: (copy) => {
      const [first, second, ...others] = copy.checkpoints
      if (first === undefined || second === undefined) throw new Error('never signed')
      copy.checkpoints = [{ ...first, size: 310 }, ...others]
      rewriteFrom(copy, 400)
    },
    expect: { outcome: 'tampered', class: 'REWRITTEN' },
  },
  {
    name: 'history is rewritten, and an old checkpoint stands under every size',
    session: SESSION,
    edit: (copy) => {
      const last = newest(copy)
      const old = copy.checkpoints.slice(0, 1)
      const many = Array.from({ length: 590 }, (_, size) => old.map((one) => ({ ...one, size: size + 1 }))).flat()
      copy.checkpoints = [...many, last]
      rewriteFrom(copy, 400)
    },
    expect: { outcome: 'tampered', class: 'REWRITTEN' },
  },
]

export async function wholeLogs(): Promise<Group> {
  const signed = await signedOften()
  const unsigned = { ...signed, checkpoints: [], tiles: [] }
  const told = (state: LogState, { name, edit, expect, session }: Deed): Case => ({
    name,
    expect,
    evidence(): Evidence {
      const copy = copyOf(state)
      edit(copy)
      return storeOf(copy, { session: session ?? null, reader: impatient(memoryReader(copy)) })
    },
  })
  return {
    name: 'whole logs',
    cases: [
      ...UNSIGNED.map((deed) => told(unsigned, deed)),
      ...SIGNED.map((deed) => told(signed, deed)),
      {
        name: 'leaves alone, signed in between',
        evidence: async () => storeOf(await leavesAlone(), { session: null }),
        expect: { outcome: 'valid', only: [], trust: 'self-signed' },
      },
      {
        name: 'a session in a format of the future',
        evidence: async () => ({ as: 'store', reader: memoryReader(await newer()), session: null, pins: PINS }),
        expect: { outcome: 'undecided', only: [] },
      },
    ],
  }
}

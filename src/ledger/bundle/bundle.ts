import { AegisError } from '../../core/errors.ts'
import { erasures } from '../erasures.ts'
import { BUNDLE_FORMAT, type BundleEntry, type Disclosure, type EvidenceBundle } from '../format/bundle-format.ts'
import { sessionManifest } from '../session-manifest.ts'
import type { LedgerReader } from '../store.ts'
import { createProver, type Prover } from './bundle-prover.ts'

export type { BundleEntry, Disclosure, EvidenceBundle } from '../format/bundle-format.ts'

export interface BundleChoice {
  /** Only the entries with these `seq`: a partial bundle, with a proof of each. */
  readonly only?: readonly number[]
  /** The log's public keys, as hints. */
  readonly keys?: readonly string[]
}

/**
 * Gathers a session out of a snapshot. Values at the paths in `redact` are withheld; their commitments stay. Where a checkpoint
 * covers the manifest's leaf, or else the last entry, that is proved.
 * @throws AegisError `not_found`; `cannot_decide` where a part is asked for that no checkpoint covers
 */
export async function buildBundle(
  reader: LedgerReader,
  session: string,
  redact: readonly string[],
  { only, keys = [] }: BundleChoice = {},
): Promise<EvidenceBundle> {
  const log = await reader.head()
  const head = await reader.session(session)
  const manifest = await sessionManifest(reader, session, head?.status === 'closed')
  if (log === null || manifest === null) throw new AegisError('not_found', `no session ${session} in this log`)
  const { entries, disclosures } = await gather(reader, session, redact, only)
  const erased = await erasures(reader, session)
  const { storedN: n, text: body, hash } = manifest
  const leaves = [...erased.map(({ leaf }) => leaf.n), ...(n === null ? entries.map((entry) => entry.n) : [n])]
  const prover = await createProver(reader, Math.max(-1, ...leaves) + 1)
  const proof = n === null ? null : await prover.proof(n)
  return {
    ...{ format: BUNDLE_FORMAT, origin: log.origin, session, ...(only && { partial: true }) },
    entries: only === undefined ? await lastProved(entries, proof, prover) : await eachProved(entries, prover),
    ...{ manifest: { n, body, hash }, proof, receipts: await prover.receipts(), disclosures },
    erasures: await Promise.all(
      erased.map(async ({ leaf, text }) => ({ n: leaf.n, body: text, proof: await prover.proof(leaf.n) })),
    ),
    keys,
  }
}

interface Gathered {
  readonly entries: BundleEntry[]
  readonly disclosures: Disclosure[]
}

async function gather(
  reader: LedgerReader,
  session: string,
  redact: readonly string[],
  only: readonly number[] | undefined,
): Promise<Gathered> {
  const wanted = only === undefined ? null : new Set(only)
  const entries: BundleEntry[] = []
  const disclosures: Disclosure[] = []
  for await (const page of reader.sessionEntries(session)) {
    for (const { entry, payloads } of page) {
      if (wanted !== null && !wanted.delete(entry.seq ?? -1)) continue
      entries.push({ n: entry.n, body: utf8(entry.body), hash: entry.hash })
      for (const { n, path, salt, value } of payloads) {
        if (redact.includes(path)) continue
        disclosures.push({ n, path, salt: Buffer.from(salt).toString('hex'), value: utf8(value) })
      }
    }
  }
  const [absent] = wanted ?? []
  if (absent === undefined) return { entries, disclosures }
  throw new AegisError('not_found', `session ${session} has no entry ${absent}`, { path: 'entries' })
}

/** A manifest that is not in the log, or not signed yet, proves nothing: then the last entry does, which names all before it. */
async function lastProved(
  entries: readonly BundleEntry[],
  manifestProof: string | null,
  prover: Prover,
): Promise<readonly BundleEntry[]> {
  const last = entries.at(-1)
  if (manifestProof !== null || last === undefined) return entries
  const proof = await prover.proof(last.n)
  return proof === null ? entries : [...entries.slice(0, -1), { ...last, proof }]
}

async function eachProved(entries: readonly BundleEntry[], prover: Prover): Promise<readonly BundleEntry[]> {
  const proved: BundleEntry[] = []
  for (const entry of entries) {
    const proof = await prover.proof(entry.n)
    if (proof === null) {
      throw new AegisError('cannot_decide', `no checkpoint covers entry ${entry.n}: alone it would prove nothing`, {
        advice: 'Export the whole session, or wait until the log is signed.',
      })
    }
    proved.push({ ...entry, proof })
  }
  return proved
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

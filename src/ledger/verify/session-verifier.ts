import type { EntryBody } from '../format/body.ts'
import { genesis, isHash, leafHash } from '../format/chain.ts'
import { createTally, type Manifest, type ManifestClaim, readManifest } from '../format/manifest.ts'
import { opens } from '../format/opening.ts'
import { after, before, createFindings, type Damage, type Findings } from './damage.ts'
import { createSemantics } from './semantics.ts'
import { examine, type Presented, projectionFault, type Testimony } from './testimony.ts'
import { type LogFault, type Trust, UNSIGNED } from './trust.ts'
import { createWalk, type Tail } from './walk.ts'

/** A payload or disclosure that claims to open the commitment at `path`. */
export interface Opening {
  readonly path: string
  readonly salt: Uint8Array
  readonly value: Uint8Array | string
}

/** A manifest as stored or sent. */
export interface PresentedManifest {
  readonly n: number | null
  readonly hash: string
  readonly text: string
}

export interface VerifyContext {
  readonly origin: string
  readonly session: string
  /** True where each commitment must have its payload (a store); false where values may be withheld (a bundle). */
  readonly payloadsComplete: boolean
  readonly manifest: PresentedManifest | null
  /** Is the manifest the end of the chain (a bundle), or the state at some time (a store)? */
  readonly manifestEnds: boolean
  /** How many entries at the beginning were pruned, by a record in the log. Absent: none. */
  readonly pruned?: number
  /** True: neither the canonical form of bodies nor the columns beside them are compared. Hashes, links and meaning always are. */
  readonly fast?: boolean
  /** Is it recorded that this value was erased? Absent: none was. */
  readonly erased?: (n: number, path: string) => boolean
  /** Called with each readable entry, in the order of the source. */
  readonly onEntry?: (entry: EntryBody, n: number) => void
}

/** The end of a verification as the source tells it. */
export interface Ending {
  /** The session's head row; null in a bundle. */
  readonly head: { readonly entries: number; readonly last: string } | null
  readonly final: boolean
  /** Faults of the log around the session. */
  readonly log: readonly LogFault[]
  readonly trust: Trust
  /** Why the source's own claim to be signed cannot be judged; null where it can, or there is none. */
  readonly undecided: string | null
  /** Why, with a key of this log pinned, the signatures there are fall short; null where they do not. */
  readonly lacking: string | null
}

/** What a verification found. `valid` is false where any finding is an error. */
export interface VerifyReport {
  readonly valid: boolean
  /** Why nothing can be decided, such as a format version this code does not know; null where it can. */
  readonly undecided: string | null
  readonly origin: string
  readonly session: string
  readonly totalEntries: number
  readonly manifestHash: string
  /** At most 1,000; `findingsTotal` counts all. */
  readonly findings: readonly Damage[]
  readonly findingsTotal: number
  /** `seq 3 -> 4 (entry 17) ALTERED_BODY`, or null. */
  readonly brokenLink: string | null
  readonly trust: Trust
  /** Why what is valid is less than what the pins ask for; null where it is not. */
  readonly belowTrust: string | null
}

/** Bytes in, verdicts out: pure, one entry at a time, memory bounded by open intents, approvals and the findings kept. */
export interface SessionVerifier {
  entry(presented: Presented, openings: readonly Opening[]): void
  finish(ending: Ending): VerifyReport
}

export function createSessionVerifier(context: VerifyContext): SessionVerifier {
  const { origin, session, fast = false, pruned = 0 } = context
  const findings = createFindings()
  const walk = createWalk(origin, session, findings, pruned)
  const semantics = createSemantics(findings, pruned)
  const tally = createTally(origin, session, genesis(origin, session))
  const claim = checkManifest(context, findings)
  /** The manifest computed where the presented one ends. */
  let counterpart: Manifest | null = claim?.entries === 0 ? tally.manifest(claim.final, []) : null
  /** Of entries that are gone nobody can add up the kinds. */
  const countable = pruned === 0
  let undecided: string | null = null
  let total = 0
  let lastN = -1

  function entry(presented: Presented, openings: readonly Opening[]): void {
    const testimony = examine(presented, fast)
    total += 1
    if (!checkPlace(testimony)) return
    checkForm(testimony)
    walk.step(testimony)
    checkOpenings(testimony, openings, context, findings)
    const { body, n } = testimony
    if (body !== null) {
      semantics.note(body, n)
      context.onEntry?.(body, n)
    }
    // The claimed hash is hostile text until it looks like one.
    const { claimedHash, bodyHash } = testimony
    tally.add(body?.kind ?? 'unreadable', isHash(claimedHash) ? claimedHash : bodyHash)
    if (countable && tally.entries === claim?.entries) counterpart = tally.manifest(claim.final, semantics.open.seqs())
  }

  /** An entry of another chain says nothing about this one. */
  function checkPlace({ body, sound, n }: Testimony): boolean {
    if (body === null || !sound) return true
    if (body.log !== origin) findings.add('WRONG_LOG', before(body.seq), n, `belongs to log ${body.log}`)
    if (body.session === session) return true
    findings.add('WRONG_SESSION', before(body.seq), n, `belongs to session ${body.session}`)
    return false
  }

  function checkForm(testimony: Testimony): void {
    const { n, unreadable, sound } = testimony
    const link = after(testimony.body?.seq ?? testimony.columns?.seq ?? total - 1)
    if (unreadable !== null) {
      if (unreadable.unknownVersion && sound) undecided = `entry ${n} has a format version this verifier does not know`
      // Of an altered body nothing else is to be expected.
      else if (sound) findings.add('NON_CANONICAL', link, n, unreadable.reason)
    }
    const column = fast ? null : projectionFault(testimony)
    if (column !== null)
      findings.add('PROJECTION_MISMATCH', link, n, `column ${column} does not say what the body says`)
    if (n <= lastN) findings.add('REORDERED', link, n, `its place in the log is not after entry ${lastN}`)
    lastN = n
  }

  function finish(ending: Ending): VerifyReport {
    walk.finish(tailOf(ending))
    const loose = !context.manifestEnds && claim !== null
    const known = tally.entries + pruned
    if (loose && claim.entries > known && known >= (ending.head?.entries ?? 0)) {
      findings.add('TRUNCATED_TAIL', after(known - 1), null, `a manifest knew ${claim.entries} entries`)
    }
    // Where entries are damaged, the manifest over them differs for that reason alone.
    if (counterpart !== null && counterpart.text !== claim?.text && findings.errors === 0) {
      const link = { from: Math.max(0, tally.entries - 1), to: 'manifest' } as const
      findings.add('MANIFEST_FORGED', link, context.manifest?.n ?? null, 'does not add up the entries')
    }
    for (const { kind, detail, n } of ending.log) findings.add(kind, null, n ?? null, detail)
    semantics.finish()
    const final = context.manifestEnds ? (claim?.final ?? false) : ending.final
    return report(tally.manifest(final, semantics.open.seqs()), ending)
  }

  function tailOf({ head }: Ending): Tail | null {
    if (head !== null) return { source: 'head', ...head }
    if (context.manifestEnds && claim !== null) return { source: 'manifest', entries: claim.entries, last: claim.last }
    return null
  }

  function report(made: Manifest, ending: Ending): VerifyReport {
    const manifestHash = countable ? made.hash : (context.manifest?.hash ?? '')
    const open = undecided ?? ending.undecided
    return reportOf({ origin, session, totalEntries: total, manifestHash }, findings, { ...ending, undecided: open })
  }

  return { entry, finish }
}

type Subject = Pick<VerifyReport, 'origin' | 'session' | 'totalEntries' | 'manifestHash'>

/** Trust is what there is where nothing is wrong: of damaged evidence there is none. */
export function reportOf(
  { origin, session, totalEntries, manifestHash }: Subject,
  findings: Findings,
  { trust, undecided, lacking }: Pick<Ending, 'trust' | 'undecided' | 'lacking'>,
): VerifyReport {
  const sorted = findings.sorted()
  const first = findings.errors > 0 ? sorted[0] : undefined
  const valid = findings.errors === 0 && undecided === null
  return {
    ...{
      valid,
      undecided,
      origin,
      session,
      totalEntries,
      manifestHash,
      findings: sorted,
      findingsTotal: findings.total,
    },
    brokenLink: first === undefined ? null : `${first.place} ${first.class}`,
    trust: valid ? trust : UNSIGNED,
    belowTrust: valid ? lacking : null,
  }
}

export function checkManifest(
  { manifest, origin, session }: Pick<VerifyContext, 'manifest' | 'origin' | 'session'>,
  findings: Findings,
): ManifestClaim | null {
  if (manifest === null) return null
  const claim = readManifest(manifest.text)
  const forged = (detail: string) => {
    findings.add('MANIFEST_FORGED', { from: 'start', to: 'manifest' }, manifest.n, detail)
    return null
  }
  if (leafHash(manifest.text) !== manifest.hash) return forged('the manifest does not have its hash')
  if (claim === null) return forged('not a manifest of this format')
  if (claim.log !== origin || claim.session !== session) return forged('the manifest of another session')
  return claim
}

export function checkOpenings(
  entry: Testimony,
  openings: readonly Opening[],
  { payloadsComplete, erased }: Pick<VerifyContext, 'payloadsComplete' | 'erased'>,
  findings: Findings,
): void {
  const { body, n } = entry
  if (body === null) return
  const link = after(body.seq)
  const opened = new Set<string>()
  for (const opening of openings) {
    const mac = Object.hasOwn(body.commit, opening.path) ? body.commit[opening.path] : undefined
    opened.add(opening.path)
    if (mac !== undefined && opens(mac, opening.salt, opening.path, opening.value)) continue
    findings.add('PAYLOAD_MISMATCH', link, n, `the stored ${opening.path} is not what the entry commits to`)
  }
  for (const path of Object.keys(body.commit)) {
    if (opened.has(path)) continue
    if (erased?.(n, path) === true) findings.add('ERASED', link, n, `the ${path} was erased, as recorded`)
    else if (payloadsComplete) findings.add('PAYLOAD_MISSING', link, n, `the ${path} the entry commits to is gone`)
  }
}

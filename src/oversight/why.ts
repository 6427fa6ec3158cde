import type { Approvals } from '../approvals/approvals.ts'
import type { Approval } from '../core/approval.ts'
import { AegisError } from '../core/errors.ts'
import { type EnvelopeId, parseEnvelopeId } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import type { CompiledPolicy, Simulation } from '../core/policy/index.ts'
import { hasRole } from '../identity/keyring.ts'
import type { KeyRecord } from '../identity/ports.ts'
import { type EntryBody, isBody, readBody } from '../ledger/format/body.ts'
import { opens } from '../ledger/format/opening.ts'
import type { LedgerReader, StoredEntry, StoredPayload } from '../ledger/store.ts'
import {
  candidateOf,
  type PolicyVersion,
  type PolicyVersions,
  rebuild,
  recordedDecision,
  ruleText,
  type Undecidable,
} from '../policy-set/index.ts'

/** The rule that decided, as it stood in its file then. */
export interface RuleThen {
  readonly policy: string
  readonly file: string
  readonly index: number
  readonly line: number
  readonly text: string
}

/** The same action judged again by the version that decided, without the facts of that time. */
export interface Recomputed {
  readonly simulation: Simulation
  /** Facts that its guards wanted and that nobody recorded. */
  readonly unknownFacts: readonly string[]
}

export interface DecisionThen {
  readonly entry: StoredEntry
  readonly body: EntryBody
  /** Null where the installation did not keep versions yet. */
  readonly version: PolicyVersion | null
  /** Null where no rule decided (a default, a guard, an approval), or it cannot be told which. */
  readonly rule: RuleThen | null
  readonly recomputed: Recomputed | Undecidable | 'version'
}

/** Everything that is known of why an action came out as it did. */
export interface Why {
  readonly id: EnvelopeId
  /** Oldest first: what was decided, said by people, done. */
  readonly entries: readonly {
    readonly entry: StoredEntry
    readonly body: EntryBody
    readonly comment: string | null
  }[]
  readonly decisions: readonly DecisionThen[]
  /** The approval it asked for or used; with the guards' reasons, which entries do not hold. */
  readonly approval: Approval | null
}

export interface WhyDesk {
  /** An agent is told of its own actions. @throws AegisError `not_found`, also where it is another agent's */
  why(who: KeyRecord, id: string): Promise<Why>
}

/** Entries of one action looked at: a call repeated without end while it waits has many. */
const MOST_ENTRIES = 200
/** The newest entries of its session, among which the runs are looked for that an approval let through. */
const RUNS_AMONG = 1000

export function createWhyDesk(parts: {
  readonly policies: Pick<PolicyVersions, 'ofDigest' | 'compiled'>
  readonly reader: Pick<LedgerReader, 'byEnvelope' | 'payloads' | 'list'>
  readonly approvals: Pick<Approvals, 'get'>
}): WhyDesk {
  const { policies, reader, approvals } = parts

  async function versionOf(digest: string, n: number): Promise<PolicyVersion | null> {
    const versions = await policies.ofDigest(digest)
    return versions.find(({ leaf }) => leaf !== null && leaf < n) ?? versions.at(-1) ?? null
  }

  async function decisionOf({ entry, body, payloads }: ReadEntry): Promise<DecisionThen | null> {
    const recorded = recordedDecision(entry.n, body)
    if (recorded === null) return null
    const version = await versionOf(recorded.policySha256, entry.n)
    const compiled = version === null ? null : await policies.compiled(version).catch(() => null)
    if (compiled === null) return { entry, body, version, rule: null, recomputed: 'version' }
    const rebuilt = rebuild(body, payloads)
    if (!rebuilt.ok) return { entry, body, version, rule: null, recomputed: rebuilt.why }
    const { rules } = candidateOf(compiled.documents)
    const [envelope] = rebuilt.envelopes
    const simulations = rebuilt.envelopes.map((one) => rules.simulate(one, {}))
    const rule = ruleOf(recorded.rule, body, simulations, compiled)
    const needs = missing(compiled.policy, envelope)
    const recomputed = { simulation: compiled.policy.simulate(envelope, NOTHING_KNOWN), unknownFacts: needs }
    return { entry, body, version, rule, recomputed }
  }

  return {
    async why(who, text) {
      const id = parseEnvelopeId(text)
      const stored = id === null ? [] : (await reader.byEnvelope(id)).slice(0, MOST_ENTRIES)
      const own = (session: string | null) => session?.startsWith(`${who.id}/`) === true
      const visible = stored.filter(({ session }) => hasRole(who, 'viewer') || own(session))
      if (id === null || visible.length === 0) {
        throw new AegisError('not_found', `no action ${text.slice(0, 64)}`, {
          advice: 'take the id from `aegisctl logs`',
        })
      }
      const read = (await Promise.all(visible.map((entry) => readEntry(reader, entry)))).flatMap((one) => one ?? [])
      const decisions = (await Promise.all(read.map(decisionOf))).flatMap((one) => one ?? [])
      const runs = await runsOf(reader, id, visible[0]?.session ?? null)
      const named = read.map(({ body }) => body.ref).find((ref) => ref !== null) ?? id
      const approval = await approvals.get(parseEnvelopeId(named) ?? id)
      const seen = approval !== null && (hasRole(who, 'viewer') || approval.principal === who.id)
      return {
        ...{ id, decisions, approval: seen ? approval : null },
        entries: [...read, ...runs].map(({ entry, body, payloads }) => ({
          entry,
          body,
          comment: commentOf(body, payloads),
        })),
      }
    },
  }
}

/** What ran by its approval, and what came of it: calls with envelopes of their own that refer to it, oldest first. */
async function runsOf(
  reader: Pick<LedgerReader, 'payloads' | 'list'>,
  id: EnvelopeId,
  session: string | null,
): Promise<readonly ReadEntry[]> {
  if (session === null) return []
  const newest = await reader.list({ session, limit: RUNS_AMONG })
  // Most entries refer to no other, and reading a text costs a hundred times more than finding a word in it.
  const naming = newest.filter(({ env, body }) => env !== id && Buffer.from(body).includes(id))
  const calls = (await Promise.all(naming.map((entry) => readEntry(reader, entry)))).flatMap((one) => one ?? [])
  const envelopes = new Set(
    calls.flatMap(({ entry, body }) => (body.ref === id && entry.env !== null ? [entry.env] : [])),
  )
  const ran = newest.filter(({ env }) => env !== null && envelopes.has(env)).slice(0, MOST_ENTRIES)
  const read = (await Promise.all(ran.map((entry) => readEntry(reader, entry)))).flatMap((one) => one ?? [])
  return read.toSorted((one, other) => one.entry.n - other.entry.n)
}

const NOTHING_KNOWN = { approval: { known: true, value: { status: 'none' } } } as const

function missing(policy: CompiledPolicy, envelope: Parameters<CompiledPolicy['factsNeeded']>[0]): readonly string[] {
  return policy.factsNeeded(envelope, NOTHING_KNOWN).filter((key) => key !== 'approval')
}

interface ReadEntry {
  readonly entry: StoredEntry
  readonly body: EntryBody
  readonly payloads: readonly StoredPayload[]
}

async function readEntry(reader: Pick<LedgerReader, 'payloads'>, entry: StoredEntry): Promise<ReadEntry | null> {
  const body = readBody(Buffer.from(entry.body).toString('utf8'))
  return isBody(body) ? { entry, body, payloads: await reader.payloads(entry.n) } : null
}

/** The rule with the recorded label that matches the action, by the same matcher that decided. */
function ruleOf(
  label: string,
  body: EntryBody,
  simulations: readonly Simulation[],
  { documents, sources }: { documents: Parameters<typeof candidateOf>[0]; sources: PolicyVersion['sources'] },
): RuleThen | null {
  const policy = policyOf(body)
  const steps = simulations.flatMap(({ trace }) => trace)
  const step = steps.find((one) => one.matched && one.rule === label && one.policy === policy)
  if (step === undefined) return null
  for (const [at, document] of documents.entries()) {
    const rule = document.name === step.policy ? document.rules[step.ruleIndex] : undefined
    const source = sources[at]
    if (rule === undefined || source === undefined) continue
    const { file, text } = source
    return { policy, file, index: step.ruleIndex, line: rule.at.line, text: ruleText(text, rule) }
  }
  return null
}

function policyOf({ whole }: EntryBody): string {
  const decision: Json | undefined = whole['decision']
  return isObject(decision) ? (textMember(decision as JsonObject, 'policy') ?? '') : ''
}

function commentOf(body: EntryBody, payloads: readonly StoredPayload[]): string | null {
  const mac = body.commit['comment']
  const payload = payloads.find(({ path }) => path === 'comment')
  if (mac === undefined || payload === undefined || !opens(mac, payload.salt, 'comment', payload.value)) return null
  const value: Json = JSON.parse(Buffer.from(payload.value).toString('utf8'))
  return typeof value === 'string' ? value : null
}

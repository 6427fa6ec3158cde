import {
  CATALOGS,
  type Described,
  describeAction,
  describeRequest,
  describeUpstreamCall,
} from '../../core/catalog/index.ts'
import { VERDICTS, type Verdict } from '../../core/decision.ts'
import { type ActionEnvelope, JUDGED_REQUESTS, type Surface } from '../../core/envelope.ts'
import type { EnvelopeId, Principal, SessionId } from '../../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import type { EntryBody } from '../../ledger/format/body.ts'
import { opens } from '../../ledger/format/opening.ts'
import type { StoredPayload } from '../../ledger/store.ts'

/** Why a recorded action cannot be judged again. */
export type Undecidable =
  /** What was asked is not beside the entry any more. */
  | 'erased'
  /** What is beside the entry is not what it commits to. */
  | 'altered'
  /** The catalog of this program makes something else of it, or it is a question of an upstream, not a call. */
  | 'catalog'
  /** Over hooks and the actions API the policy would decide differently, and which it was is not recorded. */
  | 'surface'
  /** A room had a say, and rooms are not kept as they were. */
  | 'room'
  /** Its tool's definition was not accepted: no policy was asked. */
  | 'pins'
  /** It was rewritten, and the rules say something else of it now: what its plan would meet is not known. */
  | 'rewritten'
  /** A guard looks at facts that nobody recorded. */
  | 'facts'

/** A decision as the log has it. */
export interface RecordedDecision {
  readonly n: number
  readonly env: string
  readonly session: string
  readonly tool: string
  /** What policy said: of what an approval released or a denial stopped, that a person be asked. */
  readonly was: Verdict
  readonly rule: string
  readonly policySha256: string
  readonly findings: readonly { readonly name: string; readonly verdict: string }[]
}

/** Null where the entry is no decision. */
export function recordedDecision(n: number, body: EntryBody): RecordedDecision | null {
  const { decision, findings } = body.whole
  const verdict = VERDICTS.find((one) => one === body.kind)
  if (verdict === undefined || !isObject(decision)) return null
  const rule = textMember(decision, 'rule') ?? ''
  const asked = /^(?:approved|denied):/.test(rule)
  return {
    ...{ n, env: body.env, session: body.session, tool: body.tool, rule },
    was: asked && verdict !== 'rewrite' ? 'review' : verdict,
    policySha256: textMember(decision, 'policy_sha256') ?? '',
    findings: Array.isArray(findings) ? findings.filter(isObject).map(findingOf) : [],
  }
}

function findingOf(finding: JsonObject) {
  return { name: textMember(finding, 'name') ?? '', verdict: textMember(finding, 'verdict') ?? '' }
}

export type Rebuilt =
  /** One envelope for each surface that it may have come in by. */
  | { readonly ok: true; readonly envelopes: readonly [ActionEnvelope, ...ActionEnvelope[]] }
  | { readonly ok: false; readonly why: Undecidable }

/** The envelope as it was judged, from the entry and the committed values beside it: read again by the catalog of this program. */
export function rebuild(body: EntryBody, payloads: readonly StoredPayload[]): Rebuilt {
  const opened = openAll(body, payloads)
  if (typeof opened === 'string') return { ok: false, why: opened }
  const { params, target } = opened
  if (!isObject(params)) return { ok: false, why: 'erased' }
  const described = describeAgain(body, params, typeof target === 'string' ? target : null)
  if (described === null) return { ok: false, why: 'catalog' }
  // Only over MCP the target stands in no commitment of its own: the arguments are all there is.
  const [first, ...rest]: readonly Surface[] = body.commit['target'] === undefined ? ['mcp'] : ['api', 'hook']
  const envelope = (surface: Surface) => envelopeOf(body, described, surface)
  return { ok: true, envelopes: [envelope(first ?? 'mcp'), ...rest.map(envelope)] }
}

const JUDGED_ON = ['params', 'target'] as const

function openAll(body: EntryBody, payloads: readonly StoredPayload[]): Record<string, Json> | 'erased' | 'altered' {
  const found: Record<string, Json> = {}
  for (const path of JUDGED_ON) {
    const mac = body.commit[path]
    if (mac === undefined) continue
    const payload = payloads.find((one) => one.path === path)
    if (payload === undefined) return 'erased'
    if (!opens(mac, payload.salt, path, payload.value)) return 'altered'
    found[path] = JSON.parse(Buffer.from(payload.value).toString('utf8'))
  }
  return found
}

/** Every way the call can have come is tried: the one that gives what is recorded was it. */
function describeAgain(body: EntryBody, parameters: JsonObject, target: string | null): Described | null {
  const action = isObject(body.whole['action']) ? body.whole['action'] : {}
  const protocol = textMember(action, 'protocol') ?? ''
  const capability = textMember(action, 'capability') ?? null
  for (const attempt of attempts(body.tool, { protocol, capability, parameters, target })) {
    const described = attempted(attempt)
    const same = described?.tool === body.tool && described.protocol === protocol && described.capability === capability
    if (same && (target === null || described.resource.target === target)) return described
  }
  return null
}

interface Told {
  readonly protocol: string
  readonly capability: string | null
  readonly parameters: JsonObject
  readonly target: string | null
}

function attempts(canonical: string, { protocol, capability, parameters, target }: Told): readonly (() => Described)[] {
  const dot = canonical.indexOf('.')
  const [upstream, tool] = [canonical.slice(0, dot), canonical.slice(dot + 1)]
  const catalog = CATALOGS.find((one) => one === upstream) ?? 'none'
  const method = JUDGED_REQUESTS.find((one) => one.replaceAll('/', '.') === tool)
  const called = () => describeUpstreamCall({ upstream, catalog, tool, parameters })
  if (target === null) {
    return method === undefined ? [called] : [() => describeRequest({ upstream, catalog, method, parameters })]
  }
  const claim = { protocol, capability, parameters }
  return [
    () => describeAction({ ...claim, tool: canonical, target }),
    () => describeAction({ ...claim, capability: null, tool: canonical, target }),
    // A shell line, whichever command it is named after.
    () => describeAction({ protocol: 'shell', capability: null, tool: 'shell', target: '', parameters }),
    called,
  ]
}

function attempted(attempt: () => Described): Described | null {
  try {
    return attempt()
  } catch {
    return null
  }
}

function envelopeOf(body: EntryBody, described: Described, surface: Surface): ActionEnvelope {
  const { protocol, tool, capability, parameters, acts, resource } = described
  const actor = isObject(body.whole['actor']) ? body.whole['actor'] : {}
  return {
    id: body.env as EnvelopeId,
    receivedAt: Date.parse(body.ts),
    surface,
    subject: {
      principal: (textMember(actor, 'subject') ?? '') as Principal,
      owner: '',
      role: 'agent',
      agent: textMember(actor, 'agent') ?? '',
      session: body.session as SessionId,
    },
    action: { protocol, tool, capability, parameters, route: null, acts },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

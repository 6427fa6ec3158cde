import { redeems } from '../approvals/approvals.ts'
import type { Permit } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { type AegisError, asAegisError } from '../core/errors.ts'
import type { Clock } from '../core/runtime.ts'
import type { CredentialBroker } from '../credentials/ports.ts'
import type { GrantRecord } from '../ledger/draft.ts'
import type { Metrics } from '../observability/metrics.ts'
import { isInterim, outcomeLabel, outcomeStatus, recordedResult } from './outcome.ts'
import type { AuthorizedAction, ExecuteContext, Outcome, Question, RpcError, StandIn, Upstreams } from './ports.ts'
import { ruledOutcome } from './questions.ts'
import type { Intent, Recorder } from './recorder.ts'
import type { Reply } from './reply.ts'
import { createRounds } from './rounds.ts'

/** Carries out what was allowed and recorded: lend, execute, record the result, and only then answer. */
export type Perform = (
  envelope: ActionEnvelope,
  decision: Permit,
  intent: Intent,
  context: ExecuteContext,
) => Promise<Extract<Reply, { kind: 'done' }>>

export function createPerform(parts: {
  readonly upstreams: Upstreams
  readonly standIn: StandIn
  readonly broker: CredentialBroker
  readonly recorder: Recorder
  readonly metrics: Metrics
  readonly clock: Clock
  /** Whether the client may be asked what an answer asks of it. */
  readonly question: (question: Question) => Promise<RpcError | null>
}): Perform {
  const { upstreams, standIn, broker, recorder, metrics, clock, question } = parts
  const rounds = createRounds()

  /** `lent` hears of the grant before it is used, so that a call which fails midway can still say what it held. */
  async function execute(
    action: AuthorizedAction,
    approved: boolean,
    context: ExecuteContext,
    lent: (grant: GrantRecord) => void,
  ): Promise<Outcome> {
    const credential = credentialOf(upstreams, action)
    const step = standIn.standsIn(action)
    // A plan has no other way to run than its own; an act bound to a commit does without where nothing can bind it.
    const executor = step !== null && (credential !== null || action.plan !== undefined) ? standIn : upstreams
    if (credential === null) return executor.execute(action, null, context)
    const { id, resource } = action
    const { tool, parameters, acts } = action.action
    const { method } = acts[0]
    const paths = action.lands === undefined ? {} : { paths: action.lands }
    const asked = { envelope: id, credential, parameters, approved, repository: resource.repository, ...paths }
    const request = step === null ? { ...asked, tool, method } : { ...asked, tool: step }
    const { value } = await broker.lend(request, (secret, grant) => {
      lent(grant)
      // A token that no API of GitHub's issued binds nothing.
      const able = executor === upstreams || action.plan !== undefined || secret.apiUrl !== undefined
      return (able ? executor : upstreams).execute(action, secret, context)
    })
    return value
  }

  /** The action failed on the way: recorded as what is known of it, before the caller hears of it. */
  async function failed(
    envelope: ActionEnvelope,
    intent: Intent,
    error: AegisError,
    held: { signal: AbortSignal; grant: GrantRecord | null },
  ): Promise<void> {
    const unsent = error.data?.['sent'] === false
    const status = unsent ? 'unsent' : held.signal.aborted ? 'cancelled' : 'unknown'
    const outcome = { label: null, status, credential: held.grant } as const
    await recorder.result(envelope, outcome, { error: error.message }, unsent ? intent.approval : null)
  }

  return async (envelope, decision, intent, context) => {
    const start = clock.elapsed()
    const upstream = envelope.action.route?.upstream ?? ''
    let grant: GrantRecord | null = null
    let outcome: Outcome
    try {
      const answered = await execute(authorize(envelope), redeems(decision) !== null, context, (lent) => {
        grant = lent
      })
      outcome = await ruledOutcome(question, upstream, context.channel, answered)
    } catch (thrown) {
      metrics.forwarded(upstream, 'error', (clock.elapsed() - start) / 1000)
      const error = asAegisError(thrown)
      await failed(envelope, intent, error, { signal: context.signal, grant })
      throw error
    }
    const status = outcomeStatus(outcome)
    metrics.forwarded(upstream, status === 'error' ? 'error' : 'ok', (clock.elapsed() - start) / 1000)
    const recorded = recordedResult(outcome)
    const label = outcomeLabel(envelope, outcome)
    // An approval covers one completed call: a round that only asked for more gives it back for the next one.
    const restore = rounds.allow(intent.approval, isInterim(outcome)) ? intent.approval : null
    const entry = await recorder.result(envelope, { label, status, credential: grant }, recorded, restore)
    return { kind: 'done', envelope, decision, entry, outcome, grant }
  }
}

/** The credential lent for this action. A read that names no repository (a search) goes without: no narrow token fits it. */
function credentialOf(upstreams: Upstreams, { action, resource }: AuthorizedAction): string | null {
  const { route, capability } = action
  if (route === null || (capability === 'read' && resource.repository === null)) return null
  return upstreams.get(route.upstream)?.credential ?? null
}

/** The one place where an envelope becomes an action that executors accept: after its `allow` entry is durable. */
function authorize(envelope: ActionEnvelope): AuthorizedAction {
  return envelope as AuthorizedAction
}

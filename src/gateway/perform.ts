import { hash } from 'node:crypto'
import type { Allow } from '../core/decision.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import { type AegisError, asAegisError } from '../core/errors.ts'
import type { CredentialBroker } from '../credentials/ports.ts'
import type { GrantRecord } from '../ledger/draft.ts'
import { outcomeLabel, outcomeStatus, recordedResult } from './outcome.ts'
import type { AuthorizedAction, ExecuteContext, Outcome, Upstreams } from './ports.ts'
import type { Intent, Recorder } from './recorder.ts'
import type { Reply } from './reply.ts'

/** Carries out what was allowed and recorded: lend, execute, record the result, and only then answer. */
export type Perform = (
  envelope: ActionEnvelope,
  decision: Allow,
  intent: Intent,
  context: ExecuteContext,
) => Promise<Extract<Reply, { kind: 'done' }>>

export function createPerform(parts: {
  readonly upstreams: Upstreams
  readonly broker: CredentialBroker
  readonly recorder: Recorder
}): Perform {
  const { upstreams, broker, recorder } = parts

  async function execute(
    action: AuthorizedAction,
    context: ExecuteContext,
  ): Promise<{ outcome: Outcome; grant: GrantRecord | null }> {
    const upstream = action.action.route === null ? null : upstreams.get(action.action.route.upstream)
    const credential = upstream?.credential ?? null
    if (credential === null) return { outcome: await upstreams.execute(action, null, context), grant: null }
    const request = {
      envelope: action.id,
      credential,
      tool: action.action.tool,
      parameters: action.action.parameters,
      repository: action.resource.repository,
    }
    const lent = await broker.lend(request, (secret) => upstreams.execute(action, secret, context))
    return { outcome: lent.value, grant: lent.grant }
  }

  /** The action failed on the way: recorded as what is known of it, before the caller hears of it. */
  async function failed(
    envelope: ActionEnvelope,
    intent: Intent,
    error: unknown,
    signal: AbortSignal,
  ): Promise<AegisError> {
    const cause = asAegisError(error)
    const unsent = cause.data?.['sent'] === false
    const status = unsent ? 'unsent' : signal.aborted ? 'cancelled' : 'unknown'
    const restore = unsent ? intent.approval : null
    await recorder.result(envelope, { label: null, status, credential: null }, { error: cause.message }, restore)
    return cause
  }

  return async (envelope, decision, intent, context) => {
    let done: Awaited<ReturnType<typeof execute>>
    try {
      done = await execute(authorize(envelope), context)
    } catch (error) {
      throw await failed(envelope, intent, error, context.signal)
    }
    const { outcome, grant } = done
    const text = outcome.kind === 'result' ? JSON.stringify(outcome.result) : ''
    const recorded = recordedResult(outcome, text, (value) => hash('sha256', value, 'hex'))
    const label = outcomeLabel(envelope, outcome)
    const entry = await recorder.result(
      envelope,
      { label, status: outcomeStatus(outcome), credential: grant },
      recorded,
      null,
    )
    return { kind: 'done', envelope, decision, entry, outcome, grant }
  }
}

/** The one place where an envelope becomes an action that executors accept: after its `allow` entry is durable. */
function authorize(envelope: ActionEnvelope): AuthorizedAction {
  return envelope as AuthorizedAction
}

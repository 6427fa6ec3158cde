import { DEFAULT_HOLD, holdBudget } from '../../approvals/hold-budget.ts'
import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { codePoint, showHidden } from '../../core/visible-text.ts'
import type { IncomingCall } from '../../gateway/ports.ts'
import type { Reply } from '../../gateway/reply.ts'
import type { Ask, McpOptions, Peer } from './endpoint.ts'
import { isModernRevision } from './modern/revision.ts'

/** Milliseconds between signs of life to a client whose call is held. */
const PROGRESS_MS = 10_000
/** Milliseconds a client may take to show its user a page. */
const PATIENCE_MS = 10 * 60_000

/** A call that waits for a person, and who waits for it. */
export interface Waiting {
  readonly parked: Extract<Reply, { kind: 'parked' }>
  readonly call: IncomingCall
  readonly ask: Ask
  readonly peer: Peer
}

/**
 * What a call that cannot become a task does until a person has spoken: the client's user is shown the approval's page, where
 * configured; then the call is held open, as long as this client waits; then the client is told to come back. Nothing that the
 * client answers approves anything: only a reviewer's word does, and it comes by another door.
 */
export async function waitForPerson(options: McpOptions, waiting: Waiting): Promise<Reply> {
  const { parked } = waiting
  const upstream = options.upstreams.get(parked.envelope.action.route?.upstream ?? '')
  if (options.settled === undefined) return parked
  if (upstream?.elicitation === 'url' && mayBeShown(waiting)) {
    const shown = await showPage(options, waiting)
    if (shown === 'accepted') return hold(options, waiting, options.settled)
    if (shown === 'declined') return parked
  }
  return upstream?.onReview === 'hold' ? hold(options, waiting, options.settled) : parked
}

/** The user of the client can settle it alone, and the client can show a page ("URL Mode Elicitation Requests"). */
function mayBeShown({ parked, peer }: Waiting): boolean {
  const { independent, reviewers, from, role, notAuthor } = parked.approval.terms
  const named = from !== undefined || role !== undefined || notAuthor !== undefined
  const { elicitation } = peer.channel.client.capabilities
  return !independent && !named && reviewers === 1 && isObject(elicitation) && isObject(elicitation['url'])
}

/** `failed`: the client could not be asked, whatever it declared. */
async function showPage(
  { adminUrl }: McpOptions,
  { parked, ask, peer }: Waiting,
): Promise<'accepted' | 'declined' | 'failed'> {
  const { approval, envelope } = parked
  const params: JsonObject = {
    mode: 'url',
    message: `${showHidden(envelope.action.tool, codePoint)} waits for approval ${approval.id}: look at it and decide`,
    url: `${adminUrl}/approvals/${approval.id}`,
    // The stateless revisions know the question by its key.
    ...(isModernRevision(peer.channel.client.protocolVersion) ? {} : { elicitationId: approval.id }),
  }
  const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(PATIENCE_MS)])
  const request = { method: 'elicitation/create', params }
  ask.slot?.pause()
  try {
    const { question = (asked, until) => peer.channel.request('', asked, until) } = peer
    const outcome = await question(request, signal)
    if (outcome.kind === 'error') return 'failed'
    return textMember(outcome.result, 'action') === 'accept' ? 'accepted' : 'declined'
  } catch {
    return 'failed'
  } finally {
    ask.slot?.resume()
  }
}

/**
 * Waits for the person and makes the identical call again, which redeems the approval or says why not. Nothing runs for
 * a client that has gone; one that waited too long is told to come back.
 */
async function hold(
  options: McpOptions,
  { parked, call, ask, peer }: Waiting,
  settled: NonNullable<McpOptions['settled']>,
): Promise<Reply> {
  const token = call.meta?.['progressToken']
  const budget = AbortSignal.timeout(budgetOf(options, peer, isToken(token)))
  const progress = startProgress(token, parked, peer)
  ask.slot?.pause()
  try {
    await settled(parked.approval.id, AbortSignal.any([ask.signal, budget]))
    // A client whose connection broke may come back or not: nothing runs before it has.
    if (peer.attended !== undefined) await unlessAborted(peer.attended(), ask.signal)
  } catch (error) {
    if (budget.aborted || ask.signal.aborted) return parked
    throw error
  } finally {
    progress.stop()
    ask.slot?.resume()
  }
  if (ask.signal.aborted) return parked
  if (!(await options.inForce(call.caller))) throw revoked()
  return options.gateway.handle(call, ask.signal)
}

function budgetOf({ hold = DEFAULT_HOLD }: McpOptions, { channel }: Peer, progress: boolean): number {
  return holdBudget(hold, textMember(channel.client.info, 'name') ?? '', progress)
}

function revoked(): AegisError {
  return new AegisError('unauthenticated', 'the key was revoked or has expired while the call waited for a person')
}

function unlessAborted(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void wait.then(resolve).finally(() => signal.removeEventListener('abort', stop))
  })
}

function isToken(token: Json | undefined): token is string | number {
  return typeof token === 'string' || typeof token === 'number'
}

/** Progress in tiny steps: what the tool itself reports under the same token afterwards must be more. */
function startProgress(token: Json | undefined, parked: Waiting['parked'], peer: Peer) {
  if (!isToken(token)) return { stop: () => undefined }
  let step = 0
  const tell = (): void => {
    const progress = ++step / 1e6
    const message = `waiting for a person to settle approval ${parked.approval.id}`
    peer.tell({ method: 'notifications/progress', params: { progressToken: token, progress, message } })
  }
  tell()
  const timer = setInterval(tell, PROGRESS_MS)
  return { stop: () => clearInterval(timer) }
}

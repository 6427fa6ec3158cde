import { createHmac } from 'node:crypto'
import { canonicalize } from '../core/canonical.ts'
import type { ActionEnvelope } from '../core/envelope.ts'
import type { Sha256 } from '../core/ids.ts'

/**
 * The action digest: equal exactly where an approval of one action covers another. HMAC-SHA256 under a key of this
 * installation, kept in `approvals` only, so that guessing arguments from it needs the key.
 */
export interface ActionDigests {
  /** Covers the action in any session of its principal. */
  readonly anySession: Sha256
  /** Covers it in its own session only; used where the policy says `same_session: true`. */
  readonly thisSession: Sha256
}

export function actionDigests(envelope: ActionEnvelope, key: Uint8Array): ActionDigests {
  const { subject, action, resource, plan, head, onto } = envelope
  const bound = {
    principal: subject.principal,
    protocol: action.protocol,
    tool: action.tool,
    target: resource.target,
    upstream: action.route?.upstream ?? null,
    remote_tool: action.route?.tool ?? null,
    parameters: action.parameters,
    ...(action.route?.pin === undefined ? {} : { pin: action.route.pin }),
    // Its files are the parameters', and its branch bears the name of whichever session comes back: what was approved is what runs.
    ...(plan === undefined ? {} : { plan: { base: plan.base } }),
    ...(head === undefined ? {} : { head }),
    ...(onto === undefined ? {} : { onto }),
  }
  const digest = (scope: string) =>
    createHmac('sha256', key)
      .update('aegis-action/1\0')
      .update(canonicalize({ ...bound, scope }))
      .digest('hex') as Sha256
  return { anySession: digest('*'), thisSession: digest(subject.session) }
}

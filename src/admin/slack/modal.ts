import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Approval } from '../../core/approval.ts'
import { type EnvelopeId, parseEnvelopeId } from '../../core/ids.ts'
import { isObject, type JsonObject, textMember } from '../../core/json.ts'
import { summaryOf } from '../../oversight/summary.ts'
import { lines, pieces, plain } from './blocks.ts'
import { objectIn } from './parsed.ts'

const CALLBACK = 'aegis_resolution'
const FIELD = 'comment'
/** Slack's own most for a text field. */
const COMMENT_LIMIT = 3000

export type Verb = 'approve' | 'deny'

/** Whose form it is, and what it is sealed with: the app's signing secret, which who else has the bot's token does not have. */
export interface Seal {
  readonly user: string
  readonly secret: string
}

/**
 * A form for a comment, about one approval. Sealed for the user it is opened for: what else is shown by this bot, under whatever
 * words, settles nothing.
 */
export function commentModal(approval: Approval, verb: Verb, seal: Seal): JsonObject {
  const deny = verb === 'deny'
  return {
    type: 'modal',
    callback_id: CALLBACK,
    private_metadata: JSON.stringify({ id: approval.id, verb, seal: sealOf(approval.id, verb, seal) }),
    title: plain(deny ? 'Deny' : 'Approve'),
    submit: plain(deny ? 'Deny' : 'Approve'),
    close: plain('Back'),
    blocks: [
      lines(pieces(summaryOf(approval))),
      {
        type: 'input',
        block_id: FIELD,
        optional: !deny,
        label: plain(deny ? 'Why not? The agent is told.' : 'Comment'),
        element: { type: 'plain_text_input', action_id: FIELD, multiline: true, max_length: COMMENT_LIMIT },
      },
    ],
  }
}

/** What somebody sent with the form; null where it is none of ours. */
export function submitted(
  view: JsonObject,
  seal: Seal,
): { readonly id: EnvelopeId; readonly verb: Verb; readonly comment: string } | null {
  if (view['callback_id'] !== CALLBACK) return null
  const about = objectIn(textMember(view, 'private_metadata') ?? '')
  const id = parseEnvelopeId(about === null ? '' : (textMember(about, 'id') ?? ''))
  const verb = about?.['verb']
  if (about === null || id === null || (verb !== 'approve' && verb !== 'deny')) return null
  const given = Buffer.from(textMember(about, 'seal') ?? '')
  const wanted = Buffer.from(sealOf(id, verb, seal))
  if (given.byteLength !== wanted.byteLength || !timingSafeEqual(given, wanted)) return null
  const field = member(member(member(member(view, 'state'), 'values'), FIELD), FIELD)
  return { id, verb, comment: (field === null ? '' : (textMember(field, 'value') ?? '')).trim() }
}

function sealOf(id: EnvelopeId, verb: Verb, { user, secret }: Seal): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['aegis-form/1', user, id, verb]))
    .digest('base64url')
}

/** The form stays open and says what is wrong. */
export function modalError(text: string): JsonObject {
  return { response_action: 'errors', errors: { [FIELD]: text } }
}

function member(object: JsonObject | null, key: string): JsonObject | null {
  const value = object?.[key]
  return isObject(value) ? value : null
}

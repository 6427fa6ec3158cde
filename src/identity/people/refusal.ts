import { AegisError, type ErrorCode } from '../../core/errors.ts'
import { codePoint, showHidden } from '../../core/visible-text.ts'

/** Longest text of a claim in a line of the log, in characters. */
const SHOWN_LIMIT = 400
/** RFC 7515 section 7.1: whatever a provider puts where, no signed token of its is written down. */
const TOKEN = /eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)*/g

/** What only the log is told: who it was, what came, and what was expected. Never a token, a code or a secret. */
export type ForLog = Readonly<Record<string, string | Readonly<Record<string, string>>>>

/** A refused login. The person reads its message and advice; an administrator finds the rest in the log. */
export class LoginRefusal extends AegisError {
  readonly forLog: ForLog

  constructor(
    code: ErrorCode,
    message: string,
    forLog: ForLog,
    more: { readonly advice?: string; readonly cause?: unknown } = {},
  ) {
    super(code, message, more)
    this.forLog = forLog
  }
}

/** What somebody else wrote, as a line of the log may hold it: as JSON, nothing hidden, of a length that fits. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value).replace(TOKEN, '[token]')
  const cut = text.length > SHOWN_LIMIT ? `${text.slice(0, SHOWN_LIMIT)}… (${text.length} characters)` : text
  return showHidden(cut, codePoint)
}

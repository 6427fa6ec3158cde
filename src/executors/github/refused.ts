import { AegisError } from '../../core/errors.ts'
import type { Outcome } from '../../gateway/ports.ts'
import { statusOf } from '../../github/index.ts'

/** What the agent asked for cannot be done, and nothing was left behind: told as the upstream's own tool would tell it. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Refusals of GitHub that are about the request: the agent can act on them, so they are a tool's answer and no failure of ours. */
const ABOUT_THE_REQUEST: ReadonlySet<number> = new Set([403, 404, 405, 409, 410, 422])

/** The answer for a refusal; null where the error is of another kind. */
export function refusalOutcome(error: unknown): Outcome | null {
  const status = error instanceof Refused ? error.status : statusOf(error)
  if (status === null || !(error instanceof Refused || ABOUT_THE_REQUEST.has(status))) return null
  const said = error instanceof Error ? error.message : ''
  const advice = error instanceof AegisError && error.advice !== null ? `; ${error.advice}` : ''
  return {
    kind: 'result',
    result: {
      content: [{ type: 'text', text: `${said}${advice}` }],
      structuredContent: { status, message: said },
      isError: true,
    },
  }
}

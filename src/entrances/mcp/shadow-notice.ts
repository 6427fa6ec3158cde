import type { Decision, Verdict } from '../../core/decision.ts'
import { AegisError } from '../../core/errors.ts'
import type { RoomMode } from '../../core/facts.ts'
import type { Json } from '../../core/json.ts'
import { codePoint, showHidden } from '../../core/visible-text.ts'
import type { Outcome } from '../../gateway/ports.ts'

const LABEL = 'shadow:'

const WOULD = {
  allow: 'let through',
  rewrite: 'turned into a pull request',
  review: 'held for a person',
  block: 'blocked',
} as const satisfies Record<Verdict, string>

/** What the agent is told where a room in mode `warn` let through what it would not; null where it is told nothing. */
export function shadowNotice(
  { rule, findings, reason }: Decision,
  modeOf: (room: string) => RoomMode | null,
): string | null {
  if (!rule.label.startsWith(LABEL) || modeOf(rule.label.slice(LABEL.length)) !== 'warn') return null
  const said = findings
    .find(({ source, name }) => source === 'room' && name.startsWith(LABEL))
    ?.name.slice(LABEL.length)
  const would = (Object.keys(WOULD) as Verdict[]).find((verdict) => verdict === said) ?? 'block'
  // The strictest stands first, so that the first of this verdict is the one that would have decided.
  const why = findings.find(({ source, verdict }) => verdict === would && source !== 'approval')
  const cause = why === undefined ? reason : `${why.name}: ${why.reason}`
  return `Aegis, shadow mode: this would have been ${WOULD[would]}: ${visible(cause)}`
}

/**
 * The same with the notice at its end: as a text block of a tool's result, or in the words of an error. What has no place for
 * it (a resource, a question, a task) stays as it is.
 */
export function withNotice(outcome: Outcome, notice: string | null): Outcome {
  if (notice === null) return outcome
  if (outcome.kind === 'error') {
    const { error } = outcome
    return { kind: 'error', error: { ...error, message: `${error.message} (${notice})` } }
  }
  const { content } = outcome.result
  if (!Array.isArray(content)) return outcome
  const said: Json[] = [...content, { type: 'text', text: notice }]
  return { kind: 'result', result: { ...outcome.result, content: said } }
}

/** A failure of ours on the way to the upstream, with the notice in its words. */
export function failedWith(error: unknown, notice: string | null): unknown {
  if (notice === null || !(error instanceof AegisError)) return error
  const { code, message, advice, path, data, cause } = error
  return new AegisError(code, `${message} (${notice})`, {
    ...(advice === null ? {} : { advice }),
    ...(path === null ? {} : { path }),
    ...(data === null ? {} : { data: { ...data } }),
    cause,
  })
}

function visible(text: string): string {
  return showHidden(text, (character) => `[${codePoint(character)}]`)
}

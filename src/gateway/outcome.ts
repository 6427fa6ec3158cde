import type { ActionEnvelope } from '../core/envelope.ts'
import { isObject, type Json, type JsonObject } from '../core/json.ts'
import type { Outcome } from './ports.ts'

/** `ok`; `error` where the upstream said so in either of its two ways; `input_required` where it only asked for more. */
export function outcomeStatus(outcome: Outcome): 'ok' | 'error' | 'input_required' {
  if (isInterim(outcome)) return 'input_required'
  return outcome.kind === 'error' || outcome.result['isError'] === true ? 'error' : 'ok'
}

/** Whether the upstream only asked for more (MCP 2026-07-28, "Multi Round-Trip Requests"): the call is to be made again with it. */
export function isInterim(outcome: Outcome): boolean {
  return outcome.kind === 'result' && outcome.result['resultType'] === 'input_required'
}

/** What the ledger commits to of an outcome; it keeps a long one as hash and length. */
export function recordedResult(outcome: Outcome): Json {
  if (outcome.kind === 'result') return outcome.result
  return { error: { code: outcome.error.code, message: outcome.error.message } }
}

/** The structured part of a tool's answer: `structuredContent`, or its one text block where that is JSON. Upstream-controlled. */
export function structuredResult(outcome: Outcome): JsonObject | null {
  if (outcome.kind === 'error') return null
  const { structuredContent, content } = outcome.result
  if (isObject(structuredContent)) return structuredContent
  const block = Array.isArray(content) && content.length === 1 ? (content[0] as Json) : undefined
  const text = isObject(block) && block['type'] === 'text' ? block['text'] : undefined
  if (typeof text !== 'string' || !text.trimStart().startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value as Json) ? (value as JsonObject) : null
  } catch {
    return null
  }
}

/** A short name for what came of it, as the ledger's result line shows it: `pr/1247`, `issue/12`, `commit/1a2b3c4`. */
export function outcomeLabel(envelope: ActionEnvelope, outcome: Outcome): string | null {
  if (outcomeStatus(outcome) !== 'ok') return null
  const label = envelope.plan === undefined ? LABELS[envelope.action.tool] : proposal
  const structured = label === undefined ? null : structuredResult(outcome)
  return structured === null || label === undefined ? null : label(structured)
}

const numbered = (kind: string) => (result: JsonObject) => {
  const { number } = result
  return Number.isSafeInteger(number) ? `${kind}/${number}` : null
}

const proposal = (result: JsonObject) => {
  const { pull_request: pull } = result
  return isObject(pull) ? numbered('pr')(pull) : null
}

const LABELS: Readonly<Record<string, (result: JsonObject) => string | null>> = {
  'github.create_pull_request': numbered('pr'),
  'github.create_issue': numbered('issue'),
  'github.issue_write': numbered('issue'),
}

import { refNameFault } from '../../catalog/branches.ts'
import type { ActionEnvelope } from '../../envelope.ts'
import { sessionLabel } from '../../ids.ts'
import { excerpt } from '../../paths.ts'
import { hint } from '../../spelling.ts'
import { compileGlobs, matchesGlobs } from '../glob.ts'
import type { PlacedText, Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import type { ConfiguredGuard, Guard, GuardFinding, GuardView } from './guard.ts'
import { refSafe } from './ref-safe.ts'
import { readSettings } from './settings.ts'
import { isWrite, plainBranch, writtenBranches } from './writes.ts'

const PATTERN = 'aegis/{session}/{task}'
const PLACEHOLDERS = ['session', 'task'] as const
/** One or more characters of one path segment. */
const TASK = '?*'

interface Settings {
  readonly decision: 'block' | 'review'
  readonly patterns: readonly string[]
}

/** `branch_naming`: what the branches of agents are called. */
export function readBranchNaming(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const { value } = entry
  const bare = value.kind === 'list' || (value.kind === 'scalar' && /[/{]/.test(String(value.value)))
  const read = bare
    ? { decision: undefined, members: { patterns: entry } }
    : readSettings(reader, entry, {
        decisions: ['block', 'review'],
        keys: ['patterns'],
        example: `{ patterns: ["${PATTERN}"], decision: block }`,
      })
  if (read === null) return null
  const texts = reader.texts(read.members.patterns)
  for (const text of texts ?? []) checkPattern(reader, text)
  const patterns = texts?.map(({ text }) => text) ?? [PATTERN]
  return reader.problems.length === before ? configured({ decision: read.decision ?? 'block', patterns }) : null
}

/** Whether the branches that rewrites make (`aegis/<session>/<task>-<digest>`) are called as these patterns want. */
export function fitsRewrites(patterns: readonly string[]): boolean {
  const compiled = compileGlobs(
    patterns.map((pattern) => filled(pattern, 'session')),
    'path',
  )
  return 'fault' in compiled || matchesGlobs(compiled, 'aegis/session/task-0123456789')
}

function checkPattern(reader: Reader, { text, at }: PlacedText): void {
  for (const [, word = ''] of text.matchAll(/\{([^{},]*)\}/g)) {
    if (!PLACEHOLDERS.some((known) => known === word))
      reader.problem(at, `unknown placeholder \`{${word}}\`${hint(word, PLACEHOLDERS)}`)
  }
  const compiled = compileGlobs([filled(text, 'session')], 'path')
  if ('fault' in compiled) reader.problem(at, `malformed pattern \`${text}\`: ${compiled.fault}`)
}

function filled(pattern: string, session: string): string {
  return pattern.replaceAll('{session}', session).replaceAll('{task}', TASK)
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'branch_naming',
    destination: true,
    needs: () => [],
    judge: (view) => judge(settings, view),
  }
  return { guard, settings: { ...settings } }
}

function judge({ decision, patterns }: Settings, { act, envelope }: GuardView): readonly GuardFinding[] {
  const names = branchesOf(act, envelope)
  if (names.length === 0) return []
  const session = refSafe(sessionLabel(envelope.subject.session))
  const wanted = patterns.map((pattern) => filled(pattern, session))
  const compiled = compileGlobs(wanted, 'path')
  const suggestion = `Call the branch ${suggested(patterns, session)}.`
  for (const name of names) {
    if (name !== null && !('fault' in compiled) && matchesGlobs(compiled, name) && refNameFault(name) === null) continue
    const shown = name === null ? 'a branch that is not named' : `the branch ${excerpt(name)}`
    return [{ verdict: decision, reason: `${shown} is not called ${patterns.join(' or ')}`, suggestion }]
  }
  return []
}

/** The branches that are written or proposed; null for one whose name is not known. */
function branchesOf(act: GuardView['act'], envelope: ActionEnvelope): readonly (string | null)[] {
  const { branch } = act.resource
  if (act.tool === 'github.create_pull_request' && isWrite(act))
    return branch.kind === 'named' ? [plainBranch(branch.name)] : [null]
  return writtenBranches(act, envelope).map((one) => (one.kind === 'named' ? one.name : null))
}

function suggested(patterns: readonly string[], session: string): string {
  return (patterns[0] ?? PATTERN).replaceAll('{session}', session).replaceAll('{task}', '<task>')
}

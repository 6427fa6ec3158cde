import { createHash } from 'node:crypto'
import { NO_RESOURCE } from '../acts.ts'
import { canonicalize } from '../canonical.ts'
import type { Act, ActionEnvelope, Plan, PlannedFile, Repository } from '../envelope.ts'
import type { Facts } from '../facts.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { factOf } from './guards/guard.ts'
import { refSafe } from './guards/ref-safe.ts'

/** Letters of the change's digest in a branch name: 40 bits, enough to keep the changes of one session apart. */
const DIGEST_LETTERS = 10
const TASK_LENGTH = 40
/** GitHub cuts titles at 256 characters. */
const TITLE_LENGTH = 200

/** The tools whose direct write can be made a pull request, and how each one's files are read. */
const FILES: Readonly<Record<string, (parameters: JsonObject) => readonly PlannedFile[] | null>> = {
  'github.push_files': ({ files }) => (Array.isArray(files) ? allOrNone(files.map(pushed)) : null),
  'github.create_or_update_file': (parameters) => allOrNone([pushed(parameters)]),
  'github.delete_file': ({ path }) => (typeof path === 'string' ? [{ path, content: null, expects: null }] : null),
}

export function isRewritable(tool: string): boolean {
  return Object.hasOwn(FILES, tool)
}

/**
 * The pull request that takes the place of a direct write. Pure: equal changes of one session give equal plans, so that a
 * retry finds the branch that the first try made.
 * @returns the plan, or why there can be none: then the call is blocked.
 */
export function planOf(envelope: ActionEnvelope, facts: Facts): Plan | { readonly fault: string } {
  const { action, resource } = envelope
  const { repository } = resource
  const [asked] = action.acts
  const files = FILES[action.tool]?.(action.parameters) ?? null
  if (repository === null || files === null || files.length === 0)
    return { fault: 'its arguments name no files to put there' }
  const base = baseOf(envelope, facts)
  if ('fault' in base) return base
  const said = action.parameters['message']
  const message = typeof said === 'string' && said.trim() !== '' ? said : `Change ${files[0]?.path ?? 'files'}`
  const branch = branchName(envelope, { repository, base: base.name, message, files })
  return {
    kind: 'pull_request',
    repository,
    branch,
    base: base.name,
    message,
    title: titleOf(message),
    body: bodyOf(message, base.name),
    files,
    acts: stepsOf(asked, repository, branch, base.name),
  }
}

function baseOf({ resource }: ActionEnvelope, facts: Facts): { readonly name: string } | { readonly fault: string } {
  if (resource.branch.kind === 'named') return { name: resource.branch.name }
  const fact = factOf(facts, 'branch')
  return fact.known ? { name: fact.value.name } : { fault: `which branch it means is unknown: ${fact.reason}` }
}

function branchName(
  { subject }: ActionEnvelope,
  change: { repository: Repository; base: string; message: string; files: readonly PlannedFile[] },
): string {
  const { repository, base, message, files } = change
  const where = `${repository.owner}/${repository.name}`.toLowerCase()
  const content = canonicalize([where, base, message, files.map(({ path, content }): Json => [path, content])])
  const digest = createHash('sha256').update(content).digest('hex').slice(0, DIGEST_LETTERS)
  const label = subject.session.slice(subject.session.indexOf('/') + 1)
  return `aegis/${refSafe(label)}/${taskOf(message)}${digest}`
}

/** The message's first words as part of a ref, with the hyphen that joins it to the digest. */
function taskOf(message: string): string {
  const [line = ''] = message.split('\n', 1)
  const words = line
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, TASK_LENGTH)
    .replace(/^-+|-+$/g, '')
  return words === '' ? '' : `${words}-`
}

function titleOf(message: string): string {
  const [line = ''] = message.trim().split('\n', 1)
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 3)}...` : line
}

function bodyOf(message: string, base: string): string {
  const rest = message.trim().split('\n').slice(1).join('\n').trim()
  const note = `A direct write to \`${base}\` was asked for. \`${base}\` is protected, so the change is proposed here instead.`
  return rest === '' ? note : `${rest}\n\n${note}`
}

/** The steps as if the agent had taken them one by one: nothing runs by a rewrite that the agent may not do itself. */
function stepsOf(asked: Act, repository: Repository, branch: string, base: string): readonly [Act, ...Act[]] {
  const resource = {
    ...NO_RESOURCE,
    target: asked.resource.target,
    repository,
    branch: { kind: 'named', name: branch },
  } as const
  const step = { protocol: 'git', capability: 'write', doubt: null } as const
  return [
    { ...step, tool: 'github.create_branch', resource },
    { ...asked, resource: { ...asked.resource, branch: { kind: 'named', name: branch } } },
    { ...step, tool: 'github.create_pull_request', resource: { ...resource, base } },
  ]
}

/** The same plan under another branch name: that of the session it was approved in. */
export function onBranch(plan: Plan, branch: string): Plan {
  const onto = (act: Act): Act => ({ ...act, resource: { ...act.resource, branch: { kind: 'named', name: branch } } })
  const [first, ...rest] = plan.acts
  return { ...plan, branch, acts: [onto(first), ...rest.map(onto)] }
}

function pushed(file: Json): PlannedFile | null {
  if (!isObject(file)) return null
  const { path, content, sha } = file
  if (typeof path !== 'string' || typeof content !== 'string') return null
  return { path, content, expects: typeof sha === 'string' && sha !== '' ? sha : null }
}

function allOrNone(files: readonly (PlannedFile | null)[]): readonly PlannedFile[] | null {
  const found = files.filter((file) => file !== null)
  return found.length === files.length ? found : null
}

import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Act, Capability, Repository, Resource } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import { isObject, type JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import { refuseTwins } from '../strict-json.ts'
import { readBranch, refNameFault, shortBranch } from './branches.ts'
import type { Described } from './catalog.ts'
import { isStepName, presentName } from './github-aliases.ts'
import { methodCapability } from './github-methods.ts'
import { GITHUB_TOOLS, type GithubPart, type GithubScope } from './github-tools.ts'
import {
  doubtPlace,
  member,
  misTyped,
  neededText,
  notePath,
  oneAct,
  optionalText,
  type Reading,
  reading,
  spelling,
  unknownTool,
} from './reading.ts'

// GitHub's own limits; a name outside them could climb out of the URL path a server pastes it into.
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/
// `name.git` is the same repository under a second name, in some places.
const REPOSITORY = /^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/i
const PULL_SPELLINGS = ['pullNumber', 'pull_number'] as const
const EVENTS = ['APPROVE', 'REQUEST_CHANGES', 'COMMENT']

/** A plain word, as every method of a GitHub server is: only such a one is shown to rules. */
const METHOD = /^[A-Za-z0-9_]{1,64}$/

/**
 * A call of a GitHub server's tool. `name` is the server's name for it; an old one is read as the present tool with the
 * method it stands for. The parameters come back as they are: what is forwarded keeps the client's name and its words.
 */
export function describeGithub(name: string, parameters: JsonObject): Described {
  if (isStepName(name)) throw reserved(name)
  const from = reading(parameters)
  const { tool, method } = presentName(name)
  const known = GITHUB_TOOLS.get(tool)
  if (known === undefined) doubtPlace(from, unknownTool(tool))
  const repository = known === undefined ? guessed(parameters) : repositoryOf(from, known.scope)
  const draft: Draft = {
    ...NO_RESOURCE,
    target: repository === null ? 'github' : `${repository.owner}/${repository.name}`,
    repository,
    paths: [],
    capability: known?.capability ?? 'write',
    tool,
    method,
  }
  for (const part of known?.parts ?? []) PARTS[part](draft, from)
  doubtClimbing(from)
  // By the id of a comment alone, say: it is somewhere, and no rule or room was asked about the place.
  if (known !== undefined && known.scope !== 'repository' && repository === null && draft.capability !== 'read') {
    from.doubts.push('its arguments name no repository, so it cannot be scoped to one')
  }
  return oneAct(actOf(draft, from), parameters)
}

function actOf(draft: Draft, from: Reading): Act {
  const { capability, tool, method, ...resource } = draft
  return {
    protocol: 'git',
    tool: `github.${tool}`,
    capability,
    ...(method !== null && METHOD.test(method) && { method }),
    resource: { ...resource, operands: draft.paths },
    doubt: doubtOf(from.doubts),
    ...(from.strays && { strays: true }),
  }
}

/** @throws AegisError `invalid_params` for an owner or repository that GitHub could not have. */
function repositoryOf(from: Reading, scope: GithubScope): Repository | null {
  if (scope === 'none') return null
  const read = scope === 'repository' ? neededText : optionalText
  const owner = read(from, 'owner')
  const name = read(from, 'repo')
  if (owner !== null && !OWNER.test(owner)) throw malformed('owner', owner)
  if (name !== null && !REPOSITORY.test(name)) throw malformed('repo', name)
  return owner === null || name === null ? null : { owner, name }
}

/** An unknown tool is doubted anyway; where its arguments look like a repository, rules about that repository see it. */
function guessed(parameters: JsonObject): Repository | null {
  const owner = member(parameters, 'owner')
  const name = member(parameters, 'repo')
  if (typeof owner !== 'string' || typeof name !== 'string') return null
  return OWNER.test(owner) && REPOSITORY.test(name) ? { owner, name } : null
}

/** Names that servers paste into a URL's path and that no rule looks at. */
const PASTED = [
  ...['sha', 'ref', 'branch', 'from_branch', 'tag', 'tree_sha', 'commit_id', 'workflow_id', 'resource_id'],
  ...['org', 'username', 'team_slug', 'gist_id', 'ghsaId', 'notificationID', 'threadID'],
]

/** `sha: ../../../other/repo/commits/x` would read, or write, what was not judged: GitHub's API normalises its paths. */
function doubtClimbing(from: Reading): void {
  for (const key of PASTED) {
    const value = member(from.parameters, key)
    if (typeof value !== 'string' || !/(?:^|[\\/])\.\.(?:[\\/]|$)|[?#%\\]/.test(value)) continue
    doubtPlace(from, `the argument \`${key}\` could climb out of its URL: ${excerpt(value)}`)
  }
}

/** Credentials are lent to it: a server's tool of this name would get them. */
function reserved(name: string): AegisError {
  return new AegisError('invalid_params', `\`${name}\` is a step of the gateway, not a tool`, { path: 'name' })
}

function malformed(key: string, value: string): AegisError {
  return new AegisError('invalid_params', `\`${key}\` is not a GitHub name: ${excerpt(value)}`, {
    path: `parameters.${key}`,
    advice: 'Send owner and repo as two plain names, such as `octocat` and `hello-world`.',
  })
}

type Draft = { -readonly [K in keyof Resource]: Resource[K] } & {
  paths: string[]
  capability: Capability
  tool: string
  /** At first the one that an old name stands for. */
  method: string | null
}

/** How each part of the tool table is read. */
const PARTS: Record<GithubPart, (draft: Draft, from: Reading) => void> = {
  path: (draft, from) => {
    const needed = draft.capability !== 'read'
    const path = needed ? neededText(from, 'path') : optionalText(from, 'path')
    if (path !== null && path !== '') draft.paths.push(repositoryPath(from, path))
    // The official server refuses to write to a symbolic link without it: what is written is where another path leads.
    const link = member(from.parameters, 'allow_symlink_write')
    if (needed && link !== undefined && link !== null && link !== false) {
      from.doubts.push('`allow_symlink_write` is set: the path may be a symbolic link')
    }
  },
  files: (draft, from) => {
    const files = member(from.parameters, 'files')
    if (files === undefined) return void from.doubts.push('the argument `files` is missing')
    if (!Array.isArray(files)) throw misTyped('files', 'an array of {path, content}', files)
    for (const [index, file] of files.entries()) {
      if (isObject(file)) refuseTwins(file, `files[${index}]`)
      const path = isObject(file) ? member(file, 'path') : undefined
      if (typeof path !== 'string') throw misTyped(`files[${index}].path`, 'text', path ?? null)
      draft.paths.push(repositoryPath(from, path))
    }
  },
  branch: (draft, from) => {
    const branch = optionalText(from, 'branch')
    draft.branch = branch === null || branch === '' ? { kind: 'default' } : named(from, 'branch', branch)
  },
  'new-branch': (draft, from) => {
    const branch = neededText(from, 'branch')
    if (branch !== null) draft.branch = named(from, 'branch', branch)
  },
  ref: (draft, from) => {
    const ref = optionalText(from, 'ref')
    draft.branch = ref === null || ref === '' ? { kind: 'default' } : named(from, 'ref', ref)
  },
  head: (draft, from) => {
    const head = neededText(from, 'head')
    if (head === null) return
    const colon = head.indexOf(':')
    const owner = head.slice(0, Math.max(colon, 0))
    // `user:branch` proposes a branch of somebody else's fork.
    if (colon >= 0 && owner.toLowerCase() !== draft.repository?.owner.toLowerCase()) {
      doubtPlace(from, `the head ${excerpt(head)} is a branch of another account's fork`)
    }
    draft.branch = named(from, 'head', head.slice(colon + 1))
  },
  base: (draft, from) => {
    const base = neededText(from, 'base')
    if (base !== null) draft.base = branchName(from, 'base', base)
  },
  'new-base': (draft, from) => {
    const base = optionalText(from, 'base')
    if (base !== null) draft.base = branchName(from, 'base', base)
  },
  pull: (draft, from) => {
    const found = spelling(from.parameters, PULL_SPELLINGS)
    if (found === null) return void from.doubts.push('the pull request number is missing')
    const { key, value } = found
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
      throw misTyped(key, 'a whole number from 1', value)
    }
    draft.pull = value
  },
  'source-branch': (_draft, from) => {
    const source = optionalText(from, 'from_branch')
    if (source !== null && source !== '') branchName(from, 'from_branch', source)
  },
  'agent-base': (draft, from) => {
    const base = optionalText(from, 'base_ref')
    if (base !== null && base !== '') draft.base = branchName(from, 'base_ref', base)
  },
  // Writes to a branch that only the pull request names: no branch rule may take it for harmless.
  'unnamed-branch': (draft) => {
    draft.branch = { kind: 'default' }
  },
  related: (draft, from) => {
    const owner = optionalText(from, 'related_owner') ?? draft.repository?.owner ?? ''
    const name = optionalText(from, 'related_repo') ?? draft.repository?.name ?? ''
    if (`${owner}/${name}`.toLowerCase() !== draft.target.toLowerCase()) {
      doubtPlace(from, `it also touches the repository ${excerpt(`${owner}/${name}`)}`)
    }
  },
  fork: (draft, from) => {
    const organization = optionalText(from, 'organization')
    if (organization !== null && organization.toLowerCase() !== draft.repository?.owner.toLowerCase()) {
      doubtPlace(from, `it copies the repository into ${excerpt(organization)}`)
    }
  },
  method: (draft, from) => {
    const given = draft.method === null ? neededText(from, 'method') : optionalText(from, 'method')
    if (given !== null && given !== '') {
      // Whichever of the two the server reads, the other was named.
      if (draft.method !== null && draft.method !== given) {
        from.doubts.push(`the tool's old name means ${draft.method}, the argument \`method\` ${excerpt(given)}`)
      }
      draft.method = given
    }
    if (draft.method === null) return
    const capability = methodCapability(draft.tool, draft.method)
    if (capability === undefined) doubtPlace(from, `the catalog does not know the method ${excerpt(draft.method)}`)
    else draft.capability = capability
  },
  event: (draft, from) => {
    const event = optionalText(from, 'event')
    if (event === null) return
    if (event === 'APPROVE') draft.capability = 'approve'
    else if (!EVENTS.includes(event)) from.doubts.push(`the catalog does not know the event ${excerpt(event)}`)
  },
}

function named(from: Reading, key: string, text: string): Resource['branch'] {
  return { kind: 'named', name: branchName(from, key, text) }
}

/** @throws AegisError `invalid_params` for what no branch can be called. */
function branchName(from: Reading, key: string, text: string): string {
  const fault = refNameFault(shortBranch(text))
  if (fault !== null) {
    throw new AegisError('invalid_params', `\`${key}\` ${fault}: ${excerpt(text)}`, {
      path: `parameters.${key}`,
      advice: 'Send the short name of a branch, such as `main` or `feat/login`.',
    })
  }
  const read = readBranch(text)
  if (read.doubt !== null) from.doubts.push(read.doubt)
  return read.name
}

/** A path inside a repository. `%`, `?` and `#` are doubted: a server that pastes the path into a URL would read another file. */
function repositoryPath(from: Reading, text: string): string {
  if (/[%?#]/.test(text)) from.doubts.push(`the path ${excerpt(text)} holds characters that a URL would decode`)
  // Pasted into a URL, it could leave the repository: `%2e%2e` is `..` there, and `\` is `/`.
  if (/[%\\]|(?:^|\/)\.\.(?:\/|$)/.test(text)) from.strays = true
  return notePath(from, text.replace(/^\/+/, '') || '.')
}

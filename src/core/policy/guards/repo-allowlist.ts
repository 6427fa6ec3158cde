import type { ActionEnvelope } from '../../envelope.ts'
import type { FactKey } from '../../facts.ts'
import { type JsonObject, textMember } from '../../json.ts'
import { excerpt } from '../../paths.ts'
import { compileGlobs, type GlobSet, matchesGlobs } from '../glob.ts'
import type { PlacedText, Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, factOf, type Guard, type GuardFinding, type GuardView } from './guard.ts'
import { readSettings } from './settings.ts'
import { isPush, isWrite, shownName, shownRepository } from './writes.ts'

interface Settings {
  readonly decision: 'block' | 'review'
  /** Globs on `owner/name` in lower case, as GitHub compares both. */
  readonly repos: GlobSet
  /** Whether GitHub is asked what a repository is called by now. */
  readonly renames: boolean
}

/** `repo_allowlist`: the repositories that agents may touch at all. */
export function readRepoAllowlist(reader: Reader, entry: TreeEntry): ConfiguredGuard | null {
  const before = reader.problems.length
  const list = entry.value.kind === 'list'
  const form = {
    decisions: ['block', 'review'] as const,
    keys: ['repos', 'renames'] as const,
    example: '{ repos: ["acme/*"], decision: block }',
  }
  const read = list ? null : readSettings(reader, entry, form)
  if (!list && read === null) return null
  const members = read?.members
  if (members !== undefined && members.repos === undefined)
    reader.problem(entry.value.at, '`repo_allowlist` has no `repos`; write globs such as ["acme/*"]')
  const texts = reader.texts(list ? entry : members?.repos)
  const repos = texts === undefined ? null : readRepos(reader, texts)
  const renames = reader.flag(members?.renames) ?? true
  if (repos === null || reader.problems.length !== before) return null
  return configured({ decision: read?.decision ?? 'block', repos, renames })
}

function readRepos(reader: Reader, texts: readonly PlacedText[]): GlobSet | null {
  for (const { text, at } of texts) {
    if (text.includes('/') || text.includes('**')) continue
    reader.problem(
      at,
      `a repository is \`owner/name\`; \`${text}\` can match none, write \`${text}/*\` or \`*/${text}\``,
    )
  }
  const compiled = compileGlobs(
    texts.map(({ text }) => text.toLowerCase()),
    'path',
  )
  if (!('fault' in compiled)) return compiled
  const wrong = texts[compiled.index]
  if (wrong !== undefined) reader.problem(wrong.at, `malformed glob \`${wrong.text}\`: ${compiled.fault}`)
  return null
}

function configured(settings: Settings): ConfiguredGuard {
  const guard: Guard = {
    name: 'repo_allowlist',
    destination: false,
    needs: (view) => needs(settings, view),
    judge: (view) => judge(settings, view),
  }
  const { decision, repos, renames } = settings
  return { guard, settings: { decision, repos: repos.texts, renames } }
}

/** Only where the name that was given is on the list, and something is written: a name can be left behind for another's. */
function needs(settings: Settings, { act, envelope }: Omit<GuardView, 'facts'>): readonly FactKey[] {
  const { repository } = act.resource
  if (!settings.renames || repository === null || !isWrite(act)) return []
  return outside(settings, act, envelope) === null ? ['repository'] : []
}

function judge(settings: Settings, view: GuardView): readonly GuardFinding[] {
  const { act, envelope, facts } = view
  const why = outside(settings, act, envelope)
  if (why !== null) return [{ verdict: settings.decision, reason: why }]
  if (isPush(act) && act.resource.repository === null) {
    return [{ verdict: 'review', reason: 'which repository git pushes to is not known' }]
  }
  const { repository } = act.resource
  if (needs(settings, view).length === 0 || repository === null) return []
  const named = shownRepository(repository)
  const fact = factOf(facts, 'repository')
  if (!fact.known) return [{ verdict: 'review', reason: `what ${named} is called by now is unknown: ${fact.reason}` }]
  const { owner, name } = fact.value.repository
  if (isListed(settings, `${owner}/${name}`)) return []
  const reason = `${named} is ${excerpt(`${owner}/${name}`)} by now, which is not on the list of repositories`
  return [{ verdict: settings.decision, reason }]
}

/** Why an act leaves the list by what its arguments name, null where it does not. */
function outside(settings: Settings, act: GuardView['act'], envelope: ActionEnvelope): string | null {
  for (const place of placesOf(act, envelope.action.parameters)) {
    if (place.name === null) return place.unnamed
    if (!isListed(settings, place.name)) return `${excerpt(place.name)} is not on the list of repositories`
  }
  return null
}

/** Names hold nothing but ASCII: what only looks like one on the list, or folds to it, is not on it. */
function isListed({ repos }: Settings, name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name) && matchesGlobs(repos, name.toLowerCase())
}

type Place = { readonly name: string } | { readonly name: null; readonly unnamed: string }

/** Every repository that the arguments name or stand for. */
function placesOf({ tool, capability, resource }: GuardView['act'], parameters: JsonObject): readonly Place[] {
  const { repository } = resource
  const own: Place[] = repository === null ? [] : [{ name: `${repository.owner}/${repository.name}` }]
  if (!tool.startsWith('github.') || capability === 'read') return own
  const repo = repository?.name ?? ''
  switch (tool) {
    case 'github.fork_repository':
      return [...own, inOrganization(parameters, textMember(parameters, 'name') ?? repo)]
    case 'github.create_repository':
      return [inOrganization(parameters, textMember(parameters, 'name') ?? '')]
    case 'github.create_pull_request':
      return [...own, ...headOf(parameters, repo)]
    default:
      return own.length === 0
        ? [{ name: null, unnamed: `${shownName(tool)} writes outside every repository` }]
        : [...own, ...others(parameters, repository)]
  }
}

function inOrganization(parameters: JsonObject, repo: string): Place {
  const organization = textMember(parameters, 'organization') ?? ''
  if (organization !== '') return { name: `${organization}/${repo}` }
  return { name: null, unnamed: 'it makes a repository in the account of the credential, which is not on the list' }
}

/** `user:branch` proposes what lies in somebody's fork. */
function headOf(parameters: JsonObject, repo: string): readonly Place[] {
  const head = textMember(parameters, 'head') ?? ''
  const colon = head.indexOf(':')
  return colon < 0 ? [] : [{ name: `${head.slice(0, colon)}/${textMember(parameters, 'head_repo') ?? repo}` }]
}

/** The second repository that some tools name: a related issue's, a new owner's. */
function others(
  parameters: JsonObject,
  own: { readonly owner: string; readonly name: string } | null,
): readonly Place[] {
  const owner = textMember(parameters, 'related_owner') ?? textMember(parameters, 'new_owner')
  const name = textMember(parameters, 'related_repo')
  if (owner === undefined && name === undefined) return []
  return [{ name: `${owner ?? own?.owner ?? ''}/${name ?? own?.name ?? ''}` }]
}

import type { AnchorSettings, SecretSource } from '../anchors/index.ts'
import { isRef, isSafeAddress, witnessKey } from '../anchors/index.ts'
import { duration, path, type Surroundings, variableName } from './values.ts'
import type { Place } from './yaml-reader.ts'

const KINDS = ['file', 'git', 'webhook', 'witness'] as const
type Kind = (typeof KINDS)[number]

const DEFAULT_EVERY_MS = 10_000
const NAME = /^[a-z][a-z0-9_-]{0,31}$/
/** A name of a remote, an address that git itself carries, or a path; never a helper such as `ext::`, nor an option. */
const REMOTE =
  /^(?:[A-Za-z0-9][A-Za-z0-9._-]*|(?:https|ssh|file):\/\/\S+|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s:]\S*|\/\S+)$/

/**
 * `anchors:` of `aegis.yaml`, a list in which each item names one kind, and may have `name` (default: the kind) and `every`
 * (default: 10s). Mistakes are noted at their place.
 */
export function readAnchors(place: Place | undefined, around: Surroundings): readonly AnchorSettings[] {
  const found: AnchorSettings[] = []
  for (const item of place?.items() ?? []) {
    const settings = anchorOf(item, around)
    if (settings === undefined) continue
    if (found.some(({ name }) => name === settings.name)) {
      item.problem(
        `\`${item.path}\`: another anchor is called \`${settings.name}\`; give this one a \`name\` of its own`,
      )
    }
    found.push(settings)
  }
  return found
}

function anchorOf(item: Place, around: Surroundings): AnchorSettings | undefined {
  const members = item.members([...KINDS, 'name', 'every'])
  const kinds = KINDS.filter((kind) => members.has(kind))
  const [kind] = kinds
  const value = kind && members.get(kind)
  if (kind === undefined || value === undefined || kinds.length > 1) {
    item.problem(`\`${item.path}\` must have exactly one of ${KINDS.join(', ')}`)
    return undefined
  }
  const called = members.get('name')
  const name = called?.text() ?? kind
  if (!NAME.test(name)) called?.problem(`\`${called.path}\` must be lower-case letters, digits, - and _, at most 32`)
  const interval = members.get('every')
  const every = (interval && duration(interval)) ?? DEFAULT_EVERY_MS
  const settings = READERS[kind](value, around)
  return settings === undefined ? undefined : { name, every, ...settings }
}

type Settings<K extends Kind> = Omit<Extract<AnchorSettings, { kind: K }>, 'name' | 'every'>

const READERS: { readonly [K in Kind]: (place: Place, around: Surroundings) => Settings<K> | undefined } = {
  file: fileOf,
  git: gitOf,
  webhook: webhookOf,
  witness: witnessOf,
}

function fileOf(place: Place, around: Surroundings): Settings<'file'> | undefined {
  const found = path(place, around)
  return found === undefined ? undefined : { kind: 'file', path: found }
}

function gitOf(place: Place, around: Surroundings): Settings<'git'> | undefined {
  const members = place.members(['repository', 'ref', 'remote'])
  const repository = needed(place, members, 'repository')
  const ref = needed(place, members, 'ref')
  const folder = repository && path(repository, around)
  const name = ref?.text()
  if (name !== undefined && !isRef(name)) {
    ref?.problem(`\`${ref.path}\` must be the full name of a ref, such as refs/heads/checkpoints`)
  }
  const remote = members.get('remote')
  const target = remote?.text()
  if (target !== undefined) checkRemote(target, remote)
  if (folder === undefined || name === undefined) return undefined
  return { kind: 'git', repository: folder, ref: name, remote: target ?? null }
}

function checkRemote(target: string, place: Place | undefined): void {
  if (!REMOTE.test(target)) {
    place?.problem(`\`${place.path}\` must be the name of a remote, or an https, ssh or file address`)
  } else if (/^https:\/\/[^/]*@/.test(target)) {
    place?.problem(`\`${place.path}\` holds a user name or password; use a credential helper of git instead`)
  }
}

function webhookOf(place: Place, around: Surroundings): Settings<'webhook'> | undefined {
  const members = place.members(['url', 'secret_file', 'secret_env'])
  const url = addressOf(place, members)
  const file = members.get('secret_file')
  const variable = members.get('secret_env')
  if ((file === undefined) === (variable === undefined)) {
    place.problem(`\`${place.path}\` needs either \`secret_file\` or \`secret_env\``)
    return undefined
  }
  const secret = file ? inFile(file, around) : variable && inVariable(variable)
  return url === undefined || secret === undefined ? undefined : { kind: 'webhook', url, secret }
}

function inFile(place: Place, around: Surroundings): SecretSource | undefined {
  const file = path(place, around)
  return file === undefined ? undefined : { file }
}

function inVariable(place: Place): SecretSource | undefined {
  const env = variableName(place)
  return env === undefined ? undefined : { env }
}

function witnessOf(place: Place): Settings<'witness'> | undefined {
  const members = place.members(['url', 'vkey'])
  const url = addressOf(place, members)
  const key = needed(place, members, 'vkey')
  const vkey = key?.text()
  if (vkey !== undefined && witnessKey(vkey) === null) {
    key?.problem(`\`${key.path}\` is not the key of a witness, as \`aegisctl witness --new-key\` prints it`)
  }
  return url === undefined || vkey === undefined ? undefined : { kind: 'witness', url, vkey }
}

function addressOf(place: Place, members: ReadonlyMap<string, Place>): string | undefined {
  const url = needed(place, members, 'url')
  const text = url?.text()
  if (text === undefined || isSafeAddress(text)) return text
  url?.problem(`\`${url.path}\` must be an https address (http on loopback only) without a user name or password`)
  return undefined
}

function needed(place: Place, members: ReadonlyMap<string, Place>, key: string): Place | undefined {
  const found = members.get(key)
  if (found === undefined) place.problem(`\`${place.path}.${key}\` is missing`)
  return found
}

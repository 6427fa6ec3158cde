import { isObject, type JsonObject } from '../../../core/json.ts'
import type { ClientChannel, Outcome } from '../../../gateway/ports.ts'
import { isRevision } from '../conversation.ts'
import { eraOf, MODERN_REVISION } from '../eras.ts'
import type { Note } from '../rpc-message.ts'
import { dressed, META, metaOf, TASKS } from './meta.ts'

/** Asks an upstream what it is. `ask` makes the request. */
export async function discover(channel: ClientChannel, ask: (note: Note) => Promise<Outcome>): Promise<Discovery> {
  const note = dressed({ method: 'server/discover' }, channel, null)
  const outcome = await ask(note)
  // It refused the very revision that it names: "retry using the advertised `supported` versions", once.
  return readDiscovery(namesOurs(outcome) ? await ask(note) : outcome)
}

/** UnsupportedProtocolVersionError (2026-07-28, "Error Codes"). */
const UNSUPPORTED_VERSION = -32022

export type Discovery =
  | { readonly kind: 'modern'; readonly result: JsonObject }
  /** It gave no answer of the modern era, or names revisions of the legacy one. */
  | { readonly kind: 'legacy'; readonly problem: string }
  /** It is of an era after ours: the handshake would not help either. */
  | { readonly kind: 'foreign'; readonly problem: string }

function namesOurs(outcome: Outcome): boolean {
  if (outcome.kind === 'result' || outcome.error.code !== UNSUPPORTED_VERSION) return false
  const { data } = outcome.error
  const supported = isObject(data) ? data['supported'] : undefined
  return Array.isArray(supported) && supported.includes(MODERN_REVISION)
}

/** Reads the answer to `server/discover` as "Backward Compatibility" has it: no single error code means legacy. */
function readDiscovery(outcome: Outcome): Discovery {
  if (outcome.kind === 'error') {
    const { code, message, data } = outcome.error
    const supported = isObject(data) ? data['supported'] : undefined
    if (code === UNSUPPORTED_VERSION && Array.isArray(supported)) return among(supported)
    return { kind: 'legacy', problem: `it refused server/discover (${code}: ${message.slice(0, 200)})` }
  }
  const { supportedVersions } = outcome.result
  // A lax server of the legacy era may answer anything with an empty result.
  if (!Array.isArray(supportedVersions)) return { kind: 'legacy', problem: 'it does not know server/discover' }
  if (supportedVersions.includes(MODERN_REVISION)) return { kind: 'modern', result: outcome.result }
  return among(supportedVersions)
}

function among(supported: readonly unknown[]): Discovery {
  const spoken = supported.filter((version) => typeof version === 'string').map((version) => version.slice(0, 32))
  const problem = `it refuses ${MODERN_REVISION} and offers ${spoken.slice(0, 8).join(', ') || 'no revision'}`
  return { kind: spoken.some(isRevision) ? 'legacy' : 'foreign', problem }
}

/** A discovery as the answer to `initialize`: what the entrances know of an upstream. */
export function welcomeOf(discovery: JsonObject, channel: ClientChannel): JsonObject {
  const { capabilities, instructions } = discovery
  const server = metaOf(discovery)[META.server] ?? discovery['serverInfo']
  const modern = eraOf(channel) === 'modern'
  return {
    protocolVersion: modern ? MODERN_REVISION : channel.client.protocolVersion,
    capabilities: isObject(capabilities) ? (modern ? capabilities : legacyCapabilities(capabilities)) : {},
    serverInfo: isObject(server) ? server : { name: 'unknown', version: '0' },
    ...(typeof instructions === 'string' ? { instructions } : {}),
  }
}

/** Extensions that a client of the legacy era could not use are not offered to it. */
function legacyCapabilities({ extensions, ...capabilities }: JsonObject): JsonObject {
  if (!isObject(extensions)) return capabilities
  const { [TASKS]: _tasks, ...others } = extensions
  return Object.keys(others).length === 0 ? capabilities : { ...capabilities, extensions: others }
}

/** Milliseconds that a discovery may be used, as its upstream says; what it says is bounded on both sides. */
export function lifetimeOf(discovery: JsonObject): number {
  const { ttlMs } = discovery
  return typeof ttlMs === 'number' ? Math.min(Math.max(ttlMs, MIN_LIFE_MS), MAX_LIFE_MS) : MIN_LIFE_MS
}

const MIN_LIFE_MS = 60_000
const MAX_LIFE_MS = 3_600_000

/** The level at which an upstream that logs does so for a client that never said one. */
export function defaultLevel(discovery: JsonObject): string | null {
  const { capabilities } = discovery
  return isObject(capabilities) && capabilities['logging'] !== undefined ? 'info' : null
}

export function listChanges(discovery: JsonObject): JsonObject {
  const { capabilities } = discovery
  const offered = isObject(capabilities) ? capabilities : {}
  const changes = (name: string) => isObject(offered[name]) && offered[name]['listChanged'] === true
  return {
    ...(changes('tools') ? { toolsListChanged: true } : {}),
    ...(changes('prompts') ? { promptsListChanged: true } : {}),
    ...(changes('resources') ? { resourcesListChanged: true } : {}),
  }
}

export function mayBeWatched(discovery: JsonObject): boolean {
  const { capabilities } = discovery
  const resources = isObject(capabilities) ? capabilities['resources'] : undefined
  return isObject(resources) && resources['subscribe'] === true
}

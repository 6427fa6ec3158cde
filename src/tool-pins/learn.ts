import type { Sha256 } from '../core/ids.ts'
import type { JsonObject } from '../core/json.ts'
import type { Definition } from './definition.ts'
import { createLookAlikes } from './look-alike.ts'
import { type Era, FIRST_SIGHT, INSTRUCTIONS, OTHER_ERA, type PinFinding, type PinnedDefinition } from './ports.ts'
import type { Registry, ToolState } from './registry.ts'
import { type Budget, suspicionsOf } from './suspicions.ts'

/** Tools of one upstream that are remembered, and looked at in one list: one that lists without end must not fill the store. */
export const MAX_TOOLS = 2000
/** Characters of one list that are searched for what is suspicious: the search is slow on what was made to slow it. */
const SEARCHED = 512 * 1024

/** A tool as it was listed just now. */
export interface Seen {
  readonly tool: JsonObject
  readonly name: string
  readonly definition: Definition
}

/** What is to be kept of a list. Definitions that are known, trusted or waiting, are in neither. */
export interface Lesson {
  readonly trusted: readonly PinnedDefinition[]
  readonly held: readonly PinnedDefinition[]
  /** Tools past the bound: neither kept nor shown. */
  readonly ignored: number
}

/** A list, as it arrived. */
export interface Listed {
  readonly upstream: string
  readonly era: Era
  /** The first definition of a tool needs no person. */
  readonly trusting: boolean
  readonly seen: readonly Seen[]
  readonly now: number
}

export function learn(registry: Registry, list: Listed): Lesson {
  const { upstream, seen, trusting, now } = list
  const known = registry.tools.get(upstream)
  const hasTools = known !== undefined && known.size > (known.has(INSTRUCTIONS) ? 1 : 0)
  const firsts = new Map<string, Sha256>()
  const names = createLookAlikes()
  const trusted: PinnedDefinition[] = []
  const held = new Map<string, PinnedDefinition>()
  const budget = { left: SEARCHED }
  let ignored = 0
  for (const one of seen) {
    const { name, definition } = one
    const state = known?.get(name)
    const earlier = firsts.get(name)
    if (earlier === definition.digest || state?.accepted.has(definition.digest)) continue
    if (state?.waiting?.digest === definition.digest) continue
    const isNew = state === undefined && earlier === undefined
    if (isNew && (known?.size ?? 0) + firsts.size >= MAX_TOOLS) {
      ignored += 1
      continue
    }
    const poses =
      isNew && name !== INSTRUCTIONS && (registry.impostor(upstream, name) || names.twin(upstream, name) !== null)
    const pin = pinOf(list, one, budget, [
      ...(poses ? (['confusable-name'] as const) : []),
      ...(isNew && hasTools && name !== INSTRUCTIONS ? (['listed-later'] as const) : []),
    ])
    if (isNew) firsts.set(name, definition.digest)
    if (trusting && state !== undefined && isOtherEra(state, pin)) {
      trusted.push({ ...pin, status: 'accepted', decidedAt: now, decidedBy: OTHER_ERA })
      continue
    }
    if (isNew && trusting && !poses) {
      names.add(upstream, name)
      trusted.push({ ...pin, status: 'accepted', decidedAt: now, decidedBy: FIRST_SIGHT })
    } else {
      // One list that names a tool twice shows two definitions of it: the second is a change of the first.
      held.set(name, pin)
    }
  }
  return { trusted, held: [...held.values()], ignored }
}

/** What is in force, as it is written for clients of the other era, for the first time. */
function isOtherEra({ accepted, waiting }: ToolState, { core, era }: PinnedDefinition): boolean {
  const kin = [...accepted.values()].filter((pin) => pin.core === core)
  return waiting === null && kin.some((pin) => pin.era !== era) && !kin.some((pin) => pin.decidedBy === OTHER_ERA)
}

function pinOf(
  { upstream, era, now }: Listed,
  { tool, name, definition }: Seen,
  budget: Budget,
  more: readonly PinFinding[],
): PinnedDefinition {
  return {
    upstream,
    tool: name,
    digest: definition.digest,
    core: definition.core,
    era,
    definition: definition.text,
    status: 'waiting',
    findings: [...more, ...suspicionsOf(tool, budget)],
    seenAt: now,
    decidedAt: null,
    decidedBy: null,
  }
}

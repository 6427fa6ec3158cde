import type { Sha256 } from '../core/ids.ts'
import { createLookAlikes, type LookAlikes, poses } from './look-alike.ts'
import { INSTRUCTIONS, OTHER_ERA, type Pin } from './ports.ts'

/** What is known of one tool. */
export interface ToolState {
  readonly accepted: ReadonlyMap<Sha256, Pin>
  readonly waiting: Pin | null
  /** The definition a person accepted last, where there was another before it. */
  readonly revision: Sha256 | null
}

/** The pins in memory, for look-ups on the hot path. Rebuilt whole from what is stored. */
export interface Registry {
  readonly tools: ReadonlyMap<string, ReadonlyMap<string, ToolState>>
  readonly pins: readonly Pin[]
  /** True for a name that could be taken for that of another tool. */
  impostor(upstream: string, name: string): boolean
}

export function createRegistry(pins: readonly Pin[]): Registry {
  const tools = new Map<string, Map<string, ToolState>>()
  const names: LookAlikes = createLookAlikes()
  for (const pin of pins) {
    const { upstream, tool, digest, status } = pin
    const mine = tools.get(upstream) ?? new Map<string, ToolState>()
    tools.set(upstream, mine)
    const before = mine.get(tool) ?? UNSEEN
    if (status === 'waiting') {
      mine.set(tool, { ...before, waiting: pin })
      continue
    }
    const isNews = before.accepted.size > 0 && pin.decidedBy !== OTHER_ERA
    const accepted = new Map([...before.accepted, [digest, pin]])
    mine.set(tool, { ...before, accepted, revision: isNews ? digest : before.revision })
    if (tool !== INSTRUCTIONS) names.add(upstream, tool)
  }
  return { tools, pins, impostor: (upstream, name) => poses(name) || names.twin(upstream, name) !== null }
}

/** Upstreams of which a tool that was known already is shown now and was not before, or the other way round. */
export function changedBetween(before: Registry, after: Registry): readonly string[] {
  const changed = [...before.tools].filter(([upstream, tools]) => {
    const now = after.tools.get(upstream)
    return [...tools].some(([name, state]) => isShown(state) !== isShown(now?.get(name)))
  })
  return changed.map(([upstream]) => upstream)
}

function isShown(state: ToolState | undefined): boolean {
  return state !== undefined && state.waiting === null && state.accepted.size > 0
}

const UNSEEN: ToolState = { accepted: new Map(), waiting: null, revision: null }

import type { StoredCheckpoint } from '../ledger/store.ts'
import { type AnchorStatus, createLane, type Lane, type LaneParts, type Scheduled } from './lane.ts'
import { lastAnchored } from './last-anchored.ts'

export interface DispatcherParts extends LaneParts {
  readonly anchors: readonly Scheduled[]
}

/** Brings checkpoints to the anchors, each at its own pace; never on the way of an append. */
export interface Dispatcher {
  /** Takes up what earlier processes left: the newest checkpoint goes to every anchor without a receipt for it. */
  start(): Promise<void>
  /** A new checkpoint was stored. Returns at once. Only the newest one waits for each anchor. */
  offer(checkpoint: StoredCheckpoint): void
  status(): readonly AnchorStatus[]
  /** One attempt for all that waits, interval or not; gives up after these milliseconds. Never rejects. */
  drain(milliseconds: number): Promise<void>
  /** Ends submissions under way; nothing is tried any more. */
  stop(): void
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const lanes: readonly Lane[] = parts.anchors.map((scheduled) => createLane(scheduled, parts))
  return {
    async start() {
      const newest = await parts.store.latestCheckpoint()
      if (newest === null) return
      const sinks = lanes.map(({ name }) => name)
      const last = await lastAnchored(parts.store, sinks, newest.size)
      for (const lane of lanes) lane.resume(newest, last.get(lane.name) ?? null)
    },
    offer: (checkpoint) => {
      for (const lane of lanes) lane.offer(checkpoint)
    },
    status: () => lanes.map((lane) => lane.status()),
    async drain(milliseconds) {
      const waiting = lanes.map((lane) => lane.hurry())
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds)
      })
      await Promise.race([Promise.all(waiting), late])
      clearTimeout(timer)
    },
    stop: () => {
      for (const lane of lanes) lane.stop()
    },
  }
}

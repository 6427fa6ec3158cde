import type { ClientChannel } from '../../gateway/ports.ts'

/**
 * MCP, "Versioning": the legacy era opens with `initialize` (up to 2025-11-25); in the modern one each request says for
 * itself who makes it (2026-07-28 and later).
 */
export type Era = 'legacy' | 'modern'
export type EraSetting = 'auto' | Era

/** The one revision of the modern era that is spoken here. */
export const MODERN_REVISION = '2026-07-28'

export function eraOf(channel: ClientChannel): Era {
  // Revisions are dates: text order is their order.
  return channel.client.protocolVersion >= MODERN_REVISION ? 'modern' : 'legacy'
}

/**
 * What is known of the eras of one upstream, by all its conversations. The client's own era is tried first, so that as
 * little as possible is translated and an upstream of the same era hears nothing it would not hear from that client.
 */
export interface Eras {
  /** What to try, in this order. */
  order(channel: ClientChannel): readonly Era[]
  /** It spoke this era before: a modern upstream, which keeps no sessions, need not be asked again. */
  sure(era: Era): boolean
  /** It spoke this era, after it had refused `refused`. */
  spoke(era: Era, refused: Era | null): void
  /** It behaves like neither any more. */
  doubt(): void
}

export function createEras(setting: EraSetting): Eras {
  const heard = new Set<Era>()
  let only: Era | null = null
  return {
    order(channel) {
      if (setting !== 'auto') return [setting]
      const first = only ?? eraOf(channel)
      return first === 'legacy' ? ['legacy', 'modern'] : ['modern', 'legacy']
    },
    sure: (era) => heard.has(era),
    spoke(era, refused) {
      heard.add(era)
      if (refused === null) return
      heard.delete(refused)
      only = era
    },
    doubt() {
      heard.clear()
      only = null
    },
  }
}

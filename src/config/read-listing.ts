import { DEFAULT_LISTING, type Listing } from '../gateway/ports.ts'
import { PIN_MODES } from '../tool-pins/tool-pins.ts'
import type { Place } from './yaml-reader.ts'

/** Members of an upstream that say how its tools are shown. */
export const LISTING = ['list', 'pins', 'ask_in_client'] as const

/** Nothing where the upstream says nothing. */
export function listingOf(members: ReadonlyMap<string, Place>): { readonly listing?: Listing } {
  if (!LISTING.some((name) => members.has(name))) return {}
  const show = members.get('list')?.choice(['callable', 'all'])
  const pins = members.get('pins')?.choice(PIN_MODES)
  const ask = members.get('ask_in_client')?.choice(['reviewed', 'never'])
  return {
    listing: {
      show: show ?? DEFAULT_LISTING.show,
      pins: pins ?? DEFAULT_LISTING.pins,
      askInClient: ask === undefined ? DEFAULT_LISTING.askInClient : ask === 'reviewed',
    },
  }
}

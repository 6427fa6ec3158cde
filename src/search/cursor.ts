import { createHmac, timingSafeEqual } from 'node:crypto'
import { AegisError } from '../core/errors.ts'

/** Places in lists, as people carry them from page to page. */
export interface Cursors {
  /** @param list which list, with all that narrows it: a place in one is none in another */
  seal(list: string, place: string): string
  /** @throws AegisError `invalid_request` where it was not sealed here for this list */
  open(list: string, cursor: string): string
}

const TAG_BYTES = 16
const LONGEST = 512

/** Sealed under a key of the installation: what was changed, or made for somebody else's list, opens nothing. */
export function createCursors(key: Uint8Array): Cursors {
  const tagOf = (list: string, place: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([list, place]))
      .digest()
      .subarray(0, TAG_BYTES)
  return {
    seal: (list, place) => Buffer.concat([tagOf(list, place), Buffer.from(place)]).toString('base64url'),
    open(list, cursor) {
      const bytes = cursor.length > LONGEST ? Buffer.alloc(0) : Buffer.from(cursor, 'base64url')
      const place = bytes.subarray(TAG_BYTES).toString()
      const tag = bytes.subarray(0, TAG_BYTES)
      // One spelling each: base64url lets the last character vary.
      const honest = bytes.toString('base64url') === cursor && tag.length === TAG_BYTES
      if (honest && timingSafeEqual(tag, tagOf(list, place))) return place
      throw new AegisError('invalid_request', 'this cursor does not belong to this list', {
        path: 'after',
        advice: 'leave `after` out to begin with the first page',
      })
    },
  }
}

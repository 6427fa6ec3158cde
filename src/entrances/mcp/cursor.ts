import { createHmac, timingSafeEqual } from 'node:crypto'
import { AegisError } from '../../core/errors.ts'

/** Cursors over a sorted list: the last name of the page before, sealed so that only what we gave out comes back. */
export interface Cursors {
  seal(list: string, last: string): string
  /** The last name of the page before. @throws AegisError `invalid_params` */
  open(list: string, cursor: unknown): string
}

export function createCursors(key: Uint8Array): Cursors {
  const mac = (list: string, last: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([list, last]))
      .digest()
      .subarray(0, 16)
  return {
    seal: (list, last) => Buffer.concat([mac(list, last), Buffer.from(last)]).toString('base64url'),
    open(list, cursor) {
      const bytes = Buffer.from(typeof cursor === 'string' ? cursor : '', 'base64url')
      const last = bytes.subarray(16).toString()
      if (bytes.length > 16 && timingSafeEqual(bytes.subarray(0, 16), mac(list, last))) return last
      throw new AegisError('invalid_params', 'unknown cursor', { path: 'params.cursor', advice: 'list from the start' })
    },
  }
}

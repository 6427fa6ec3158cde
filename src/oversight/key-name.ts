import { AegisError } from '../core/errors.ts'

/** With `agent:` before it a name is an owner, which has 64. */
const NAME_LIMIT = 58

/** `agent:` and the name together are an owner. @throws AegisError `invalid_request` */
export function demandKeyName(name: string): void {
  if (name.length >= 1 && name.length <= NAME_LIMIT && /^[^\p{C}]*$/u.test(name)) return
  throw new AegisError('invalid_request', `the name of a key has 1 to ${NAME_LIMIT} printable characters`, {
    path: 'name',
  })
}

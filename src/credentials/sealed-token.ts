import { isObject, type Json, textMember } from '../core/json.ts'

/** A token with what issued it; null where the row is of a version that did not keep it. */
export interface IssuedToken {
  readonly token: string
  readonly app: string | null
  readonly installation: number | null
}

/** What is sealed into a row of the queue: who issued a token is known again after a restart. */
export function packToken({ token, app, installation }: IssuedToken): string {
  return JSON.stringify({ app, installation, token })
}

/** Rows of older versions hold the bare token, which never begins with a brace. */
export function unpackToken(text: string): IssuedToken {
  if (!text.startsWith('{')) return { token: text, app: null, installation: null }
  const value: Json = JSON.parse(text)
  const { installation } = isObject(value) ? value : {}
  return {
    token: (isObject(value) && textMember(value, 'token')) || '',
    app: (isObject(value) && textMember(value, 'app')) || null,
    installation: typeof installation === 'number' ? installation : null,
  }
}

import { createHash, randomBytes } from 'node:crypto'
import { PERMISSION_NAMES, type Permissions } from './permissions.ts'
import type { Association, TokenRecord } from './state.ts'

/** People with tokens of their own, as reviewers and administrators have them. Kept in memory only. */
export interface People {
  /** A token for a person, who is made where they are not there yet. */
  invite(login: string, association?: Association): string
  recognise(secret: string): TokenRecord | null
}

/** An insider may do everything; a stranger may read, comment and review, as anybody may in public. */
const INSIDE: Permissions = Object.fromEntries([...PERMISSION_NAMES].map((name) => [name, 'write']))
const OUTSIDE: Permissions = { metadata: 'read', contents: 'read', pull_requests: 'write', issues: 'write' }

export function openPeople(): People {
  const tokens = new Map<string, TokenRecord>()
  return {
    invite(login, association = 'COLLABORATOR') {
      const secret = `ghp_${randomBytes(18).toString('hex')}`
      const permissions = association === 'NONE' ? OUTSIDE : INSIDE
      const hash = hashOf(secret)
      tokens.set(hash, {
        hash,
        expiresAt: Number.MAX_SAFE_INTEGER,
        permissions,
        repositories: null,
        login,
        association,
      })
      return secret
    },
    recognise: (secret) => tokens.get(hashOf(secret)) ?? null,
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

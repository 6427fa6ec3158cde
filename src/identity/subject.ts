import { hash } from 'node:crypto'
import type { Principal } from '../core/ids.ts'
import { isLogin } from '../core/reviewer-name.ts'

const PLAIN_SUBJECT = /^[A-Za-z0-9][A-Za-z0-9._@|+=-]{0,63}$/
/** No lone surrogates: those would hash, and be written, like one another. */
const SUBJECT = /^[^\ud800-\udfff]{1,1024}$/su

/** Whether a claim can name a subject at all: text of 1 to 1,024 characters. */
export function isSubject(claim: unknown): claim is string {
  return typeof claim === 'string' && SUBJECT.test(claim)
}

/** Whether a principal is that of somebody who logged in at a provider. */
export const isPerson = isLogin

/** What the principals of everybody who logs in at this issuer begin with. */
export function peopleOf(issuer: string): string {
  return `oidc:${issuerName(issuer)}:`
}

/** An issuer inside a principal: 12 hex digits of the hash of its identifier. */
export function issuerName(issuer: string): string {
  return hash('sha256', issuer, 'hex').slice(0, 12)
}

/**
 * `<kind>:<issuer>:<subject>`: `oauth` for agents that come with access tokens, `oidc` for people who log in. A subject that is long or
 * holds other characters is told by its own hash: a principal never holds a slash, which joins it to the label of its sessions.
 */
export function subjectPrincipal(kind: 'oauth' | 'oidc', issuer: string, subject: string): Principal {
  const shown = PLAIN_SUBJECT.test(subject) ? subject : `~${hash('sha256', subject, 'hex').slice(0, 32)}`
  return `${kind}:${issuerName(issuer)}:${shown}` as Principal
}

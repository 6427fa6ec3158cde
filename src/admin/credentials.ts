import type { Hono } from 'hono'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, textMember } from '../core/json.ts'
import type { Overview } from '../credentials/index.ts'
import { type AdminEnv, demandRole, jsonBody } from './door.ts'

export interface CredentialParts {
  readonly credentials: Overview
}

/**
 * Which credentials are configured, which tokens are out, and the end of one of them. No secret passes through here, but whose
 * installations there are and what runs just now is an administrator's business.
 */
export function credentialRoutes(app: Hono<AdminEnv>, { credentials }: CredentialParts): void {
  app.get('/admin/v1/credentials', async (context) => {
    demandRole(context, 'admin')
    return context.json({ credentials: [...credentials.configured()], tokens: [...(await credentials.tokens())] })
  })

  app.post('/admin/v1/credentials/revoke', async (context) => {
    const { id } = demandRole(context, 'admin')
    const { tokenSha256, revoked } = await credentials.revoke(chosenToken(await jsonBody(context)), id)
    return context.json({ token_sha256: tokenSha256, revoked })
  })
}

/** @throws AegisError `invalid_request` */
function chosenToken(body: Json): string {
  const token = isObject(body) && Object.keys(body).length === 1 ? textMember(body, 'token') : undefined
  if (token !== undefined) return token.toLowerCase()
  throw new AegisError('invalid_request', 'the body must be {"token": "<first digits of its hash>"}', { path: 'token' })
}

import type { RouteGroup } from './route.ts'
import { anyObject, flag, hash, list, object, strict, text } from './schema.ts'

export const credentialRoutes: RouteGroup = {
  tag: 'credentials',
  description: 'What is lent to actions (docs/credentials.md). No secret passes through here.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/credentials',
      id: 'listCredentials',
      summary: 'What is configured, and which tokens are out.',
      role: 'admin',
      answers: { 200: object({ credentials: list(anyObject), tokens: list(anyObject) }) },
    },
    {
      method: 'post',
      path: '/admin/v1/credentials/revoke',
      id: 'revokeToken',
      summary: 'Ends one token now.',
      role: 'admin',
      body: strict({ token: text('The first digits of its hash, 8 or more.', { pattern: '^[0-9a-f]{8,64}$' }) }),
      answers: { 200: object({ token_sha256: hash, revoked: flag }) },
      errors: [404, 409],
    },
  ],
}

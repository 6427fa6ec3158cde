import type { AdminWing } from '../rest.ts'
import { openApiDocument } from './document.ts'

/** `GET /admin/v1/openapi.json`, behind the key like what it describes. */
export function openApiWing(parts: { readonly adminUrl: string; readonly version: string }): AdminWing {
  const document = openApiDocument(parts.adminUrl, parts.version)
  return (app) => {
    app.get('/admin/v1/openapi.json', (context) => context.json(document))
  }
}

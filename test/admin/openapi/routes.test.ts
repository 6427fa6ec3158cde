import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApiDocument, ROUTE_GROUPS } from '../../../src/admin/openapi/document.ts'
import type { Composition } from '../../../src/compose.ts'
import { composed } from '../../support/admin-app.ts'
import { type Installation, install } from '../../support/installation.ts'

let aegis: Installation
let parts: Composition
beforeAll(async () => {
  aegis = await install()
  await aegis.stop()
  parts = await composed(aegis.config)
})
afterAll(async () => {
  await parts.close()
  await aegis.close()
})

const declared = ROUTE_GROUPS.flatMap(({ routes }) => routes)
/** Whatever parameters are called: `GET /admin/v1/rooms/{}`. */
const shape = (method: string, path: string) =>
  `${method.toUpperCase()} ${path.replace(/:\w+(\{[^}]*\})?|\{\w+\}/g, '{}')}`
/** Those of the server, outside the admin doors. */
const PROBES = ['/health', '/ready', '/metrics']

describe('the OpenAPI document', () => {
  it('declares every route of the admin API, and no other', () => {
    const app = parts.adminForBrowsers(() => ({ channel: 'rest', separation: 'none' }))
    const real = app.routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/admin/v1/'))
    const wanted = declared.filter(({ path }) => !PROBES.includes(path)).map(({ method, path }) => shape(method, path))
    expect(wanted.sort()).toEqual([...new Set(real.map(({ method, path }) => shape(method, path)))].sort())
  })

  it('says what docs/api.md says', () => {
    const page = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')
    const rows = declared.map(
      ({ method, path, role, summary }) => `| \`${method.toUpperCase()} ${path}\` | ${role} | ${summary} |`,
    )
    expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it('gives each operation a name of its own', () => {
    const names = declared.map(({ id }) => id)
    expect(new Set(names).size).toBe(names.length)
  })

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const result = await validator.validate(structuredClone(openApiDocument('http://127.0.0.1:8081', '0.1.0')))
    expect(result.errors ?? []).toEqual([])
    expect(result.valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  it('names no schema that is not there, and has none that nobody names', () => {
    const document = openApiDocument('http://127.0.0.1:8081', '0.1.0') as { components: { schemas: object } }
    const named = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name)
    expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.schemas).sort())
  })
})

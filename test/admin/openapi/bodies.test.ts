import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseActionBody } from '../../../src/admin/action-body.ts'
import { requestOf } from '../../../src/admin/graphql/document.ts'
import type { Json, JsonObject } from '../../../src/core/json.ts'
import { fromSchema, spoilt } from '../../support/from-schema.ts'
import { type Installation, install } from '../../support/installation.ts'
import { ask, ROUTES } from '../../support/openapi.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install()
  for (const id of ['site', 'shop']) {
    await aegis.post('/admin/v1/rooms', { repository: `acme/${id}`, id, owner: 'dana' }, aegis.adminKey)
  }
})
afterAll(() => aegis.close())

/** Of these an answer says more than whether the body was right: the parser itself is asked. */
const PARSERS: Readonly<Record<string, (body: Json) => unknown>> = {
  submitAction: (body) => parseActionBody(body, null),
  testAction: (body) => parseActionBody(body, null),
  simulateAction: (body) => parseActionBody(body, null),
  graphql: requestOf,
}

async function accepted(id: string, body: Json): Promise<boolean> {
  const parser = PARSERS[id]
  if (parser !== undefined) {
    try {
      parser(body)
      return true
    } catch {
      return false
    }
  }
  const at = { room: 'site', key: 'key_none', id: 'none', version: '9999' }
  const { status } = await ask(aegis.urls.admin, { id, key: aegis.adminKey, at, body })
  return status !== 400
}

describe('a body is taken as the document says', () => {
  it.each(
    ROUTES.flatMap(({ id, body }) => (body === undefined ? [] : [[id, body] as const])),
  )('by %s', async (id, schema) => {
    await fc.assert(
      fc.asyncProperty(fromSchema(schema) as fc.Arbitrary<JsonObject>, async (body) => {
        expect([body, await accepted(id, body)]).toEqual([body, true])
        for (const [what, wrong] of spoilt(schema, body)) {
          expect([what, wrong, await accepted(id, wrong)]).toEqual([what, wrong, false])
        }
      }),
      { numRuns: 8 },
    )
  })
})

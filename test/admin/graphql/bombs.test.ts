import { getIntrospectionQuery } from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphql } from '../../support/graphql.ts'
import { type Installation, install } from '../../support/installation.ts'

let aegis: Installation
beforeAll(async () => {
  aegis = await install()
})
afterAll(() => aegis.close())

const ask = (query: string, variables = {}) => graphql(aegis.urls.admin, aegis.adminKey, query, variables)
const times = (count: number, text: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => text(at)).join(' ')
const nested = (depth: number) => `${'{ rooms '.repeat(depth)}{ id }${' }'.repeat(depth)}`
const type = (depth: number) => `${'fields { type { '.repeat(depth)}name${' } }'.repeat(depth)}`

describe('a request that would cost too much', () => {
  it.each([
    ['deep nesting', nested(300), 'depth'],
    ['nesting that no parser would come back from', nested(20_000), 'characters'],
    ['10,000 aliases', `{ ${times(10_000, (at) => `a${at}: whoami { name }`)} }`, 'characters'],
    ['more aliases than anybody needs', `{ whoami { ${times(31, (at) => `a${at}: name`)} } }`, 'aliases'],
    ['many things at once', `{ ${times(11, (at) => `a${at}: whoami { name }`)} }`, 'root fields'],
    ['the same field again and again', `{ ${'whoami { name } '.repeat(600)} }`, 'tokens'],
    ['directives again and again', `{ whoami { name ${'@skip(if: false) '.repeat(600)} } }`, 'tokens'],
    ['a huge document', `{ whoami { name } } #${'x'.repeat(40_000)}`, 'characters'],
    ['verification many times over', `{ ${times(10, (at) => `a${at}: evidence(session: "s") { valid }`)} }`, 'cost'],
    ['the schema many times over', `{ ${times(6, (at) => `a${at}: __schema { types { name } }`)} }`, 'cost'],
    [
      'fragments that double',
      `{ ${'...f0 '} } ${times(40, (at) => `fragment f${at} on Query { ...f${at + 1} ...f${at + 1} }`)} fragment f40 on Query { rooms { id } }`,
      'cost',
    ],
    [
      'two acts in one',
      'mutation { a: approve(id: "1") { evidenceHash } b: approve(id: "2") { evidenceHash } }',
      'fields of a mutation',
    ],
  ])('is refused: %s', async (_, query, limit) => {
    const { status, body } = await ask(query)
    expect(body.errors[0]).toMatchObject({ extensions: { code: 'too_large', status: 413, limit, path: 'query' } })
    expect(status).toBe(413)
    expect(body.data).toBeUndefined()
  })

  it.each([
    ['a fragment of itself', '{ ...a } fragment a on Query { ...a }', 'contains itself'],
    ['fragments in a circle', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }', 'contains itself'],
    ['reading the schema in circles', `{ __type(name: "Query") { ${type(4)} } }`, 'introspection depth'],
    ['no operation', 'fragment a on Query { whoami { name } }', 'names no operation'],
    ['a field that is none', '{ nothing }', 'Cannot query field'],
    ['a document that is none', '{ whoami', 'Syntax Error'],
    ['variables that fit nothing', 'query ($id: ID!) { approval(id: $id) { id } }', 'was not provided'],
  ])('is refused: %s', async (_, query, message) => {
    const { status, body } = await ask(query)
    expect(body.errors[0].message).toContain(message)
    expect(body.errors[0].extensions).toMatchObject({ code: 'invalid_request', status: 400 })
    expect([200, 400]).toContain(status)
    expect(body.data ?? null).toBeNull()
    expect(JSON.stringify(body)).not.toMatch(/stack|node_modules|\.ts/)
  })

  it.each([
    ['a batch', [{ query: '{ whoami { name } }' }], 400],
    ['a member of its own', { query: '{ whoami { name } }', doc_id: 'x' }, 400],
    ['no query', {}, 400],
    ['variables that are a list', { query: '{ whoami { name } }', variables: [] }, 400],
    ['a body over a mebibyte', { query: '{ whoami { name } }', variables: { a: 'x'.repeat(1024 * 1024) } }, 413],
    ['a name of no operation', { query: 'query a { whoami { name } }', operationName: 'b' }, 400],
    ['two operations and no name', { query: 'query a { whoami { name } } query b { whoami { name } }' }, 400],
    ['members twice', '{"query": "{ whoami { name } }", "query": "{ rooms { id } }"}', 400],
  ])('is refused as a whole: %s', async (_, body, status) => {
    const answer = await aegis.post('/admin/v1/graphql', body)
    expect(answer.status).toBe(status)
    expect(answer.body.errors[0].extensions.status).toBe(status)
  })

  it.each([
    ['GET', '?query={whoami{name}}', undefined, 404],
    ['GET', '?query=mutation{approve(id:"1"){evidenceHash}}', undefined, 404],
    ['PUT', '', 'application/json', 404],
    ['POST', '', 'text/plain', 415],
    ['POST', '', 'application/x-www-form-urlencoded', 415],
    ['POST', '', 'multipart/form-data; boundary=x', 415],
    ['POST', '', 'application/graphql', 415],
  ])('comes by POST and as JSON alone: not by %s %s %s', async (method, search, type, status) => {
    const answer = await fetch(`${aegis.urls.admin}/admin/v1/graphql${search}`, {
      method,
      headers: { 'x-api-key': aegis.adminKey, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(type === undefined ? {} : { body: JSON.stringify({ query: '{ whoami { name } }' }) }),
    })
    expect(answer.status).toBe(status)
    expect(await answer.text()).not.toContain('"admin"')
  })

  it('is not that of a tool which reads the schema', async () => {
    const { status, body } = await ask(getIntrospectionQuery())
    expect(body.errors).toBeUndefined()
    expect(status).toBe(200)
    expect(body.data.__schema.queryType.name).toBe('Query')
  })

  it('says nothing of the schema to whom no key is known', async () => {
    const { status, body } = await graphql(aegis.urls.admin, 'no-such-key', '{ whoam }')
    expect(status).toBe(401)
    expect(JSON.stringify(body)).not.toContain('whoami')
  })

  it('costs nobody else their turn: deep, wide and long documents are refused in a moment each', async () => {
    const bombs = [nested(700), `{ ${times(900, (at) => `a${at}: rooms`)} }`, '{ a'.repeat(600)]
    const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => ask(bombs[at % bombs.length] ?? '')))
    expect(answers.every(({ body }) => body.data === undefined && body.errors.length === 1)).toBe(true)
  })
})

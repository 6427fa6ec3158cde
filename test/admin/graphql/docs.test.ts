import { readFileSync } from 'node:fs'
import { parse, validate } from 'graphql'
import { expect, it } from 'vitest'
import { demandBounded, MOST_ALIASES, MOST_COST, MOST_DEPTH } from '../../../src/admin/graphql/limits.ts'
import { graphqlSchema } from '../../../src/admin/graphql/schema.ts'

const page = readFileSync(new URL('../../../docs/graphql.md', import.meta.url), 'utf8')
const schema = graphqlSchema()

const examples = [
  ...[...page.matchAll(/"query":"([^"]*)"/g)].map(([, query = '']) => query),
  ...[...page.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, query = '']) => query),
]

it.each(examples)('the page on GraphQL shows what works: %s', (query) => {
  const document = parse(query)
  expect(validate(schema, document)).toEqual([])
  demandBounded(schema, document, { variables: {}, operationName: null })
})

it('the page on GraphQL names every root field, and the limits as they are', () => {
  expect(examples).toHaveLength(4)
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  for (const field of roots.flatMap((root) => Object.keys(root?.getFields() ?? {})))
    expect(page).toContain(`\`${field}`)
  for (const [name, most] of [
    ['depth', MOST_DEPTH],
    ['aliases', MOST_ALIASES],
    ['cost', MOST_COST.toLocaleString('en')],
  ]) {
    expect(page).toContain(`| ${name} | ${most}`)
  }
})

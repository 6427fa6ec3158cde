import fc from 'fast-check'
import { GraphQLObjectType, getNamedType, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { demandBounded } from '../../../src/admin/graphql/limits.ts'
import { graphqlSchema } from '../../../src/admin/graphql/schema.ts'

const schema = graphqlSchema()

/** Every field of a type, and of the types inside it. */
function everything(type: unknown, depth = 0): string {
  if (!(type instanceof GraphQLObjectType) || depth > 6) return ''
  const fields = Object.values(type.getFields()).filter(({ args }) => args.length === 0)
  return `{ ${fields.map(({ name, type: inside }) => `${name} ${everything(getNamedType(inside), depth + 1)}`).join(' ')} }`
}

const weigh = (query: string, variables = {}) => demandBounded(schema, parse(query), { variables, operationName: null })
const node = (name: string) => everything(schema.getType(name))

describe('what one request may cost', () => {
  it.each([
    ['approvals', 'Approval'],
    ['entries', 'Entry'],
    ['sessions', 'Session'],
    ['policyVersions', 'PolicyVersion'],
  ])('is enough for a full page of %s with everything in them', (list, type) => {
    weigh(`{ ${list}(first: 100) { edges { cursor node ${node(type)} } pageInfo { hasNextPage endCursor } } }`)
  })

  it('is enough for all rooms, for a session with its entries and its verification, and for a dashboard', () => {
    weigh(`{ rooms ${node('Room')} }`)
    weigh(
      `{ session(id: "s") { label entries(first: 100) { edges { node ${node('Entry')} } } } evidence(session: "s") ${node('Evidence')} }`,
    )
    weigh(`{ stats ${node('Stats')} approvals(first: 20) { edges { node ${node('Approval')} } } whoami { name } }`)
  })

  it('is not enough for pages in pages', () => {
    const query = (outer: string, inner: string) =>
      `query ($n: Int, $m: Int = 100) { sessions(first: ${outer}) { edges { node { entries(first: ${inner}) { edges { node { n kind tool } } } } } } }`
    weigh(query('5', '5'))
    expect(() => weigh(query('100', '100'))).toThrow('cost')
    expect(() => weigh(query('$n', '$n'), { n: 100 })).toThrow('cost')
    // What is left to a default of the document counts as the most.
    expect(() => weigh(query('$m', '$m'))).toThrow('cost')
    // Nor does a number help that is none.
    for (const n of [-1000, 'x', null, 1e300]) expect(() => weigh(query('$n', '100'), { n })).toThrow('cost')
  })

  it.each([
    'mutation { ...F } fragment F on Mutation { a: approve(id: "1") { __typename } b: approve(id: "2") { __typename } }',
    'mutation { ... on Mutation { a: approve(id: "1") { __typename } } ... { deny(id: "2") { __typename } } }',
    'mutation { ...F } fragment F on Mutation { ...G deny(id: "2") { __typename } } fragment G on Mutation { approve(id: "1") { __typename } }',
  ])('is one act, however several are wrapped: %s', (query) => {
    expect(() => weigh(query)).toThrow('fields of a mutation 2, at most 1')
  })

  it('is ten fields side by side, however they are wrapped', () => {
    const fields = Array.from({ length: 11 }, () => 'whoami { name }').join(' ')
    expect(() => weigh(`{ ...F } fragment F on Query { ${fields} }`)).toThrow('root fields 11')
  })

  it('is told in time that grows with the document alone', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    const spread = fc.array(name, { minLength: 1, maxLength: 20 }).map((all) => all.map((one) => `...${one}`).join(' '))
    fc.assert(
      fc.property(fc.array(spread, { minLength: 5, maxLength: 5 }), ([root = '', ...bodies]) => {
        const fragments = ['a', 'b', 'c', 'd'].map(
          (one, at) => `fragment ${one} on Query { ${bodies[at]} rooms { id } }`,
        )
        // Refused or weighed, but never without an end.
        try {
          weigh(`{ ${root} } ${fragments.join(' ')}`)
        } catch (error) {
          expect(String(error)).toMatch(/contains itself|too large/)
        }
      }),
    )
  })
})

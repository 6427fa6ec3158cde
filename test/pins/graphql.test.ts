import { printSchema } from 'graphql'
import { expect, it } from 'vitest'
import { graphqlSchema } from '../../src/admin/graphql/schema.ts'

it('the GraphQL schema that clients rely on changes only where this file does', async () => {
  await expect(`${printSchema(graphqlSchema())}\n`).toMatchFileSnapshot('schema.graphql')
})

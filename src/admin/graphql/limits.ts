import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { AegisError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { DEFAULT_PAGE, LARGEST_PAGE } from './connection.ts'
import { operationOf } from './document.ts'

/** How deep fields may lie in each other. Reading the schema, which is bounded by itself, goes deeper. */
export const MOST_DEPTH = 12
export const MOST_INTROSPECTION_DEPTH = 16
/** Other names for fields: each has the same thing read once more. */
export const MOST_ALIASES = 30
/** Fields of the operation itself. */
export const MOST_ROOT_FIELDS = 10
/** Things that may be read for one request, as the schema's `@cost` and `@listSize` count them. */
export const MOST_COST = 20_000

interface Weight {
  /** Side by side, in whatever fragments they are wrapped. */
  readonly fields: number
  readonly depth: number
  readonly aliases: number
  readonly cost: number
  /** Whether the schema itself is read here. */
  readonly introspects: boolean
}

const NOTHING: Weight = { fields: 0, depth: 0, aliases: 0, cost: 0, introspects: false }

/**
 * Weighs an operation before anything is validated, let alone read: in time that grows with the document alone, whatever its fragments
 * do. @throws AegisError `too_large` with `data.limit`, `invalid_request`
 */
export function demandBounded(
  schema: GraphQLSchema,
  document: DocumentNode,
  request: { readonly variables: JsonObject; readonly operationName: string | null },
): OperationDefinitionNode {
  const operation = operationOf(document, request.operationName)
  const {
    fields: roots,
    depth,
    aliases,
    cost,
    introspects,
  } = createScale(schema, document, request.variables).weigh(operation)
  // One act a request: each is told its own end, and none hides among others.
  if (operation.operation !== 'query' && roots > 1) throw over(`fields of a ${operation.operation}`, roots, 1)
  const deepest = introspects ? MOST_INTROSPECTION_DEPTH : MOST_DEPTH
  if (depth > deepest) throw over('depth', depth, deepest)
  if (aliases > MOST_ALIASES) throw over('aliases', aliases, MOST_ALIASES)
  if (cost > MOST_COST) throw over('cost', cost, MOST_COST)
  if (roots > MOST_ROOT_FIELDS) throw over('root fields', roots, MOST_ROOT_FIELDS)
  return operation
}

function over(limit: string, found: number, most: number): AegisError {
  return new AegisError('too_large', `the operation is too large: ${limit} ${found}, at most ${most}`, {
    path: 'query',
    advice: 'ask for less at once, for smaller pages, or in several requests',
    data: { limit },
  })
}

function createScale(schema: GraphQLSchema, document: DocumentNode, variables: JsonObject) {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const one of document.definitions) if (one.kind === 'FragmentDefinition') fragments.set(one.name.value, one)
  const weighed = new Map<string, Weight>()
  const open = new Set<string>()

  function ofFragment(name: string): Weight {
    const known = weighed.get(name)
    if (known !== undefined) return known
    const fragment = fragments.get(name)
    if (fragment === undefined) return NOTHING
    if (open.has(name)) {
      throw new AegisError('invalid_request', `the fragment ${name.slice(0, 64)} contains itself`, { path: 'query' })
    }
    open.add(name)
    const weight = ofSelections(fragment.selectionSet, typeNamed(fragment.typeCondition.name.value))
    open.delete(name)
    weighed.set(name, weight)
    return weight
  }

  const typeNamed = (name: string): GraphQLNamedType | null => schema.getType(name) ?? null

  function ofSelections({ selections }: SelectionSetNode, type: GraphQLNamedType | null): Weight {
    return selections.reduce((sum, selection) => {
      switch (selection.kind) {
        case 'Field':
          return joined(sum, ofField(selection, type))
        case 'FragmentSpread':
          return joined(sum, ofFragment(selection.name.value))
        case 'InlineFragment': {
          const on = selection.typeCondition
          return joined(sum, ofSelections(selection.selectionSet, on === undefined ? type : typeNamed(on.name.value)))
        }
        default:
          return selection satisfies never
      }
    }, NOTHING)
  }

  function ofField(node: FieldNode, parent: GraphQLNamedType | null): Weight {
    const alias = node.alias === undefined ? 0 : 1
    const name = node.name.value
    const own = name === '__schema' ? SCHEMA_COST : name === '__type' ? TYPE_COST : null
    const field = fieldOf(parent, name)
    const type = field === null ? null : getNamedType(field.type)
    const inside = node.selectionSet === undefined ? NOTHING : ofSelections(node.selectionSet, type)
    return {
      fields: 1,
      depth: inside.depth + 1,
      aliases: inside.aliases + alias,
      cost: own ?? costOf(field) + sizeOf(field, node, variables) * inside.cost,
      introspects: own !== null || inside.introspects,
    }
  }

  return {
    weigh: ({ operation, selectionSet }: OperationDefinitionNode) =>
      ofSelections(selectionSet, schema.getRootType(operation) ?? null),
  }
}

/** The whole schema, and one type of it: bounded by the validation rule for how deep its lists may lie in each other. */
const SCHEMA_COST = 5_000
const TYPE_COST = 500

function joined(one: Weight, other: Weight): Weight {
  return {
    fields: one.fields + other.fields,
    depth: Math.max(one.depth, other.depth),
    aliases: one.aliases + other.aliases,
    cost: one.cost + other.cost,
    introspects: one.introspects || other.introspects,
  }
}

type Field = GraphQLField<unknown, unknown>

function fieldOf(type: GraphQLNamedType | null, name: string): Field | null {
  return isObjectType(type) ? (type.getFields()[name] ?? null) : null
}

function costOf(field: Field | null): number {
  return directive(field, 'cost')?.['weight'] ?? 1
}

/** How often what lies inside is read: as many as are asked for, or as the schema says there may be. */
function sizeOf(field: Field | null, { arguments: given = [] }: FieldNode, variables: JsonObject): number {
  const assumed = directive(field, 'listSize')?.['assumedSize']
  if (assumed !== undefined) return assumed
  if (!field?.args.some(({ name }) => name === 'first')) return 1
  const first = given.find(({ name }) => name.value === 'first')?.value
  const asked = first === undefined ? DEFAULT_PAGE : numberOf(first, variables)
  // What cannot be told now is refused later; until then it counts as the most.
  return asked === null || !(asked >= 0) || asked > LARGEST_PAGE ? LARGEST_PAGE : asked
}

function numberOf(value: ValueNode, variables: JsonObject): number | null {
  if (value.kind === 'IntValue') return Number(value.value)
  const given = value.kind === 'Variable' ? variables[value.name.value] : null
  return typeof given === 'number' ? given : null
}

/** Whole numbers that a directive of the schema gives a field. */
function directive(field: Field | null, name: string): Readonly<Record<string, number>> | undefined {
  const found = field?.astNode?.directives?.find((one) => one.name.value === name)
  const numbers = found?.arguments?.flatMap(({ name, value }): [string, number][] =>
    value.kind === 'IntValue' ? [[name.value, Number(value.value)]] : [],
  )
  return numbers && Object.fromEntries(numbers)
}

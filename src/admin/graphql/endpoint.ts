import { type OperationDefinitionNode, validate } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { ResolutionChannel } from '../../approvals/approvals.ts'
import { AegisError } from '../../core/errors.ts'
import type { Log } from '../../core/runtime.ts'
import type { Limiter } from '../../identity/limiter.ts'
import { type AdminContext, jsonBody } from '../door.ts'
import { type GraphqlRequest, parseDocument, requestOf } from './document.ts'
import { refusal, shownError } from './failures.ts'
import { demandBounded } from './limits.ts'
import { graphqlSchema } from './schema.ts'
import type { GraphqlParts, Visit } from './visit.ts'

/** Faults of a document that are told at once. */
const MOST_FAULTS = 5

export interface EndpointParts extends GraphqlParts {
  readonly limiter: Limiter
  readonly log: Log
}

const PATH = '/admin/v1/graphql'

export type Endpoint = (context: AdminContext, via: ResolutionChannel) => Promise<Response>

/** One request, in JSON, by POST: no page that loads scripts from elsewhere, no batch, no upload. */
export function graphqlEndpoint(parts: EndpointParts): Endpoint {
  const { limiter, log } = parts
  const schema = graphqlSchema()
  const yoga = createYoga<Visit>({
    schema,
    graphqlEndpoint: PATH,
    graphiql: false,
    landingPage: false,
    cors: false,
    batching: false,
    multipart: false,
    logging: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error) => shownError(error, log) },
    plugins: [parsedBefore],
  })

  return async (context, { separation }) => {
    const who = context.get('key')
    const slot = limiter.begin(who.id)
    try {
      const request = requestOf(await jsonBody(context))
      const document = parseDocument(request.query)
      demandStream(context, demandBounded(schema, document, request))
      const faults = validate(schema, document, undefined, { maxErrors: MOST_FAULTS })
      if (faults.length > 0) return refusal(faults, log)
      const { signal } = context.req.raw
      const answer = await yoga.fetch(forwarded(context, request), {
        ...{ desks: parts, who, document, signal, stays: context.get('inForce') },
        via: { channel: 'graphql', separation },
      })
      // A key's secret may be in it.
      answer.headers.set('cache-control', 'no-store')
      return answer
    } catch (error) {
      return refusal([error], log)
    } finally {
      slot.release()
    }
  }
}

/** What was weighed is what runs: the document is read and validated once. */
const parsedBefore: Plugin<Visit> = {
  onParse({ context, setParsedDocument }) {
    setParsedDocument(context.document)
  },
  onValidate({ setResult }) {
    setResult([])
  },
}

/** The request as it was read, written anew. */
function forwarded(context: AdminContext, { query, variables, operationName }: GraphqlRequest): Request {
  const accept = context.req.header('accept') ?? 'application/json'
  return new Request(new URL(PATH, 'http://admin.invalid'), {
    method: 'POST',
    headers: { accept, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables, ...(operationName === null ? {} : { operationName }) }),
    signal: context.req.raw.signal,
  })
}

/** Before anything is followed: a stream that nobody can be given would stay open. */
function demandStream(context: AdminContext, { operation }: OperationDefinitionNode): void {
  if (operation !== 'subscription' || /\btext\/event-stream\b/i.test(context.req.header('accept') ?? '')) return
  throw new AegisError('invalid_request', 'a subscription is answered as a stream of events', {
    path: 'accept',
    advice: 'send `Accept: text/event-stream`',
  })
}

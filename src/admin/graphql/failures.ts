import { GraphQLError, type GraphQLErrorOptions } from 'graphql'
import { type AegisError, asAegisError, ERROR_CODES } from '../../core/errors.ts'
import type { Log } from '../../core/runtime.ts'

/**
 * An error as clients see it: `message`, and under `extensions` the code, advice and path that REST gives and the HTTP status it
 * would have. What nobody foresaw may quote anything: its text stays in the log.
 */
export function shownError(error: unknown, log: Log): GraphQLError {
  const within = error instanceof GraphQLError ? error : null
  const cause = within === null ? error : within.originalError
  // Of the query itself: syntax, validation, variables. Whoever asks has a key, and may read the schema.
  if (within !== null && (cause === undefined || cause instanceof GraphQLError)) return ofQuery(within)
  const known = asAegisError(cause)
  const unforeseen = known.code === 'internal'
  if (unforeseen) log.error({ error: known.message }, 'graphql request failed')
  const message = unforeseen ? 'something went wrong inside Aegis; the log has the details' : known.message
  return new GraphQLError(message, { ...placeOf(within), extensions: extensionsOf(known) })
}

function ofQuery(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, { ...placeOf(error), extensions: { code: 'invalid_request', status: 400 } })
}

function extensionsOf({ code, advice, path, data }: AegisError): GraphQLErrorOptions['extensions'] {
  const limit = data?.['limit']
  return {
    code,
    status: ERROR_CODES[code].http,
    ...(advice === null ? {} : { advice }),
    ...(path === null ? {} : { path }),
    ...(limit === undefined ? {} : { limit }),
  }
}

function placeOf(error: GraphQLError | null): GraphQLErrorOptions {
  if (error === null) return {}
  const { nodes, source, positions, path } = error
  return {
    ...(nodes === undefined ? {} : { nodes }),
    ...(source === undefined ? {} : { source }),
    ...(positions === undefined ? {} : { positions }),
    ...(path === undefined ? {} : { path }),
  }
}

/** The answer to a request that nothing was read for. */
export function refusal(errors: readonly unknown[], log: Log): Response {
  const shown = errors.map((error) => shownError(error, log))
  const status = Number(shown[0]?.extensions['status'] ?? 400)
  return Response.json({ errors: shown.map((error) => error.toJSON()) }, { status })
}

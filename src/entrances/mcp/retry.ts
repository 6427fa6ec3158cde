import { AegisError } from '../../core/errors.ts'
import { isObject, type JsonObject } from '../../core/json.ts'
import type { Retry } from '../../gateway/ports.ts'

/**
 * What a client of revision 2026-07-28 adds to a request that it makes again ("Multi Round-Trip Requests").
 * @throws AegisError `invalid_params`
 */
export function retryOf({ inputResponses, requestState }: JsonObject): Retry {
  if (inputResponses !== undefined && !isObject(inputResponses)) throw wrong('inputResponses', 'an object')
  if (requestState !== undefined && typeof requestState !== 'string') throw wrong('requestState', 'text')
  return {
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(requestState === undefined ? {} : { requestState }),
  }
}

/** The request as it was before anything was added to it. */
export function withoutRetry(params: JsonObject): JsonObject {
  const { inputResponses: _responses, requestState: _state, ...asked } = params
  return asked
}

function wrong(member: string, kind: string): AegisError {
  return new AegisError('invalid_params', `\`${member}\` must be ${kind}`, { path: `params.${member}` })
}

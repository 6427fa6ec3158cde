import type { Json } from '../../src/core/json.ts'

/** One member of a 422 answer's `errors`, as GitHub names them. */
export interface FieldProblem {
  readonly resource: string
  readonly field: string
  readonly code: 'missing_field' | 'invalid' | 'already_exists' | 'custom' | 'unprocessable'
  readonly message?: string
}

/** An answer that is a refusal: status and body as GitHub gives them. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly errors: readonly FieldProblem[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    message: string,
    more: { errors?: readonly FieldProblem[]; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.status = status
    this.errors = more.errors ?? []
    this.headers = more.headers ?? {}
  }

  body(): Json {
    const errors = this.errors.length === 0 ? {} : { errors: this.errors.map((problem) => ({ ...problem })) }
    return {
      message: this.message,
      ...errors,
      documentation_url: 'https://docs.github.com/rest',
      status: String(this.status),
    }
  }
}

export const notFound = (): Refusal => new Refusal(404, 'Not Found')

/** What an App token without the permission gets. `accepted` is GitHub's `contents=write; contents=write,workflows=write`. */
export function notPermitted(accepted?: string): Refusal {
  const headers = accepted === undefined ? {} : { 'x-accepted-github-permissions': accepted }
  return new Refusal(403, 'Resource not accessible by integration', { headers })
}

export function invalid(resource: string, field: string, message?: string): Refusal {
  const errors: FieldProblem[] = [
    message === undefined ? { resource, field, code: 'invalid' } : { resource, field, code: 'custom', message },
  ]
  return new Refusal(422, 'Validation Failed', { errors })
}

export function missing(resource: string, field: string): Refusal {
  return new Refusal(422, 'Validation Failed', { errors: [{ resource, field, code: 'missing_field' }] })
}

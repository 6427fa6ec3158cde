import type { AdminWing } from '../rest.ts'
import type { Endpoint, EndpointParts } from './endpoint.ts'

/**
 * `POST /admin/v1/graphql`, behind the door's key. What it takes to speak GraphQL is loaded when somebody does: a server that nobody
 * asks so starts without it.
 */
export function graphqlWing(parts: EndpointParts): AdminWing {
  let endpoint: Promise<Endpoint> | null = null
  const loaded = (): Promise<Endpoint> => {
    endpoint ??= import('./endpoint.ts').then(({ graphqlEndpoint }) => graphqlEndpoint(parts))
    return endpoint
  }
  return (app, via) => {
    app.post('/admin/v1/graphql', async (context) => {
      const answer = await loaded()
      return answer(context, via(context))
    })
  }
}

import type { Answer } from './installation.ts'

/** One GraphQL request with a key. */
export async function graphql(
  admin: string,
  key: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const answer = await fetch(`${admin}/admin/v1/graphql`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}

/** A subscription as a client reads it (graphql-sse, distinct connections mode). */
export interface Subscribed {
  readonly status: number
  /** The next result; null where the stream has ended. Pings are left out. */
  // biome-ignore lint/suspicious/noExplicitAny: wire JSON under test
  next(): Promise<any>
  close(): void
}

export async function subscribe(admin: string, key: string, query: string, variables = {}): Promise<Subscribed> {
  const going = new AbortController()
  const answer = await fetch(`${admin}/admin/v1/graphql`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables }),
    signal: going.signal,
  })
  const results = read(answer)
  return {
    status: answer.status,
    next: async () => (await results.next()).value ?? null,
    close: () => going.abort(),
  }
}

async function* read(answer: Response): AsyncGenerator<unknown, null> {
  if (answer.body === null) return null
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true })
    if (!(answer.headers.get('content-type') ?? '').includes('event-stream')) continue
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end === -1) break
      const [event, data] = fieldsOf(text.slice(0, end))
      text = text.slice(end + 2)
      if (event === 'complete') return null
      if (event === 'next') yield JSON.parse(data)
    }
  }
  if (text.startsWith('{')) yield JSON.parse(text)
  return null
}

function fieldsOf(block: string): [event: string, data: string] {
  const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1] ?? ''
  return [field('event'), field('data')]
}

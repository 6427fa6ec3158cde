import { type ModernAnswer, type ModernRequest, modernRequest, readAnswer } from './modern.ts'

/** A request of the stateless era over a real socket, from a client that does everything right but for what the test says. */
export async function sendModern(url: string, key: string, request: ModernRequest): Promise<ModernAnswer> {
  const taskId = request.params?.['taskId']
  const named = typeof taskId === 'string' ? { 'mcp-name': taskId } : {}
  const { headers, body } = modernRequest({
    ...request,
    headers: { authorization: `Bearer ${key}`, host: undefined, ...named, ...request.headers },
  })
  const signal = request.signal === undefined ? {} : { signal: request.signal }
  return readAnswer(await fetch(url + (request.path ?? ''), { method: 'POST', headers, body, ...signal }))
}

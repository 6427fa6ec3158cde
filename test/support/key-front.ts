import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A door in front of Aegis for clients that cannot send a key: it adds one and changes nothing else, Host and Origin included. */
export async function keyFront(target: string, key: string) {
  const server = createServer((asked, answer) => {
    const headers = { ...asked.headers, authorization: `Bearer ${key}` }
    const onward = request(target, { method: asked.method, headers }, (came) => {
      answer.writeHead(came.statusCode ?? 502, came.headers)
      answer.flushHeaders()
      came.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.on('close', () => onward.destroy())
    asked.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

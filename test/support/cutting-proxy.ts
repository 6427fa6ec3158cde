import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What the proxy does to the next COMMIT: lose its answer, or the COMMIT itself; or close the idle connections after it, as poolers do. */
export type Cut = 'answer' | 'commit' | 'afterwards'

/** A TCP proxy in front of a database that loses things at the worst moment. */
export interface CuttingProxy {
  /** The database's URL through the proxy. */
  through(url: string): string
  arm(cut: Cut, times?: number): void
  /** How often it has cut. */
  readonly cuts: number
  close(): Promise<void>
}

/** A simple query (`Q`, length 11, text): how the driver sends a statement without parameters. */
const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1')

const IDLE_MS = 20

export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const armed: Cut[] = []
  const sockets = new Set<Socket>()
  let cuts = 0

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let deaf = false
    /** Milliseconds of silence after which it is closed. */
    let patience: number | null = null
    let silence: NodeJS.Timeout | undefined
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        // Not destroyed: what was forwarded must arrive.
        upstream.end()
      })
    }
    upstream.on('data', (bytes) => {
      if (!deaf) client.write(bytes)
      if (patience === null) return
      clearTimeout(silence)
      silence = setTimeout(() => client.destroy(), patience)
    })
    client.on('data', (bytes) => {
      clearTimeout(silence)
      const at = bytes.indexOf(COMMIT)
      const cut = at < 0 ? undefined : armed.shift()
      if (cut === undefined) {
        upstream.write(bytes)
        return
      }
      cuts += 1
      deaf = cut !== 'afterwards'
      if (cut === 'afterwards') {
        patience = IDLE_MS
        upstream.write(bytes)
      } else {
        upstream.write(cut === 'answer' ? bytes : bytes.subarray(0, at), () => client.destroy())
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  return {
    through(url) {
      const parsed = new URL(url)
      parsed.host = `127.0.0.1:${address.port}`
      return parsed.href
    },
    arm(cut, times = 1) {
      armed.push(...Array.from({ length: times }, () => cut))
    },
    get cuts() {
      return cuts
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

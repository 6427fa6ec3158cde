/** A client over stdio, as cheap as can be: it starts a server and writes it one message a line. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Connection, callParams } from './load.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

export async function connectStdio({ file, args, env }: Command, tool: string): Promise<Connection> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'], ...(env && { env }) })
  const waiting = new Map<number, { resolve: (line: string) => void; reject: (error: Error) => void }>()
  let last = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id } = JSON.parse(line) as { id?: number }
    if (id === undefined) return
    waiting.get(id)?.resolve(line)
    waiting.delete(id)
  })
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with status ${code}`))
  })

  const write = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const ask = (method: string, params: object) =>
    new Promise<string>((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      write({ id, method, params })
    })

  const clientInfo = { name: 'bench', version: '1.0.0' }
  await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
  write({ method: 'notifications/initialized' })
  return {
    async call() {
      const line = await ask('tools/call', callParams(tool))
      if (!line.includes('"result"')) throw new Error(`the call failed: ${line.slice(0, 300)}`)
    },
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      const late = setTimeout(() => child.kill(), 2000)
      await gone
      clearTimeout(late)
    },
  }
}

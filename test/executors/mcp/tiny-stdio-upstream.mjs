// A small upstream over stdio that misbehaves as its tool's name says.
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { createInterface } from 'node:readline'

const mode = process.argv[2] ?? 'good'
const send = (message) => process.stdout.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
const answer = (id, result) => send({ jsonrpc: '2.0', id, result })
const text = (id, value) => answer(id, { content: [{ type: 'text', text: String(value) }] })
const asked = new Map()

const tools = {
  pid: (id) => text(id, process.pid),
  env: (id) => text(id, JSON.stringify(process.env)),
  crash: () => process.exit(3),
  silent: () => undefined,
  garbage(id) {
    send('this is not JSON')
    send('[1,2')
    send({ jsonrpc: '2.0', id: 999, result: {} })
    text(id, 'after the garbage')
  },
  'split utf-8'(id) {
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, result: { said: 'ä€🎈' } })}\n`)
    let at = 0
    const next = () => {
      if (at >= bytes.length) return
      process.stdout.write(bytes.subarray(at, ++at))
      setImmediate(next)
    }
    next()
  },
  huge: () => process.stdout.write('x'.repeat(200_000)),
  'surrogate half': (id) => send(`{"jsonrpc":"2.0","id":${id},"result":{"said":"cut \\ud83d"}}`),
  stderr(id, parameters) {
    process.stderr.write(`${parameters.line}\n`)
    text(id, 'said')
  },
  ask(id, parameters) {
    asked.set('q1', id)
    send({ jsonrpc: '2.0', id: 'q1', method: parameters.method, params: {} })
  },
  grandchild(id) {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'inherit' })
    text(id, child.pid)
  },
  'hang up'() {
    closeSync(1)
    setInterval(() => undefined, 1000)
  },
  'stop reading'(id) {
    process.stdin.destroy()
    closeSync(0)
    // Said last: by then nobody reads what comes next.
    text(id, 'goodbye')
    setInterval(() => undefined, 1000)
  },
  echo: (id, parameters) => text(id, JSON.stringify(parameters)),
}

if (mode === 'dies at start') process.exit(1)
if (mode === 'ignores end of input') {
  process.stdin.on('end', () => setInterval(() => undefined, 1000))
  process.on('SIGTERM', () => undefined)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  const { id, method, params } = message
  if (method === 'initialize') {
    if (mode === 'never welcomes') return
    const protocolVersion = mode === 'unknown revision' ? '1999-01-01' : params.protocolVersion
    answer(id, { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } })
  } else if (method === 'tools/call') {
    tools[params.name](id, params.arguments)
  } else if (method === undefined && asked.has(id)) {
    text(asked.get(id), JSON.stringify(message.result ?? message.error))
  }
})

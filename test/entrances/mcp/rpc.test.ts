import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import { parseBody } from '../../../src/entrances/mcp/rpc.ts'

const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

it('reads any bytes as messages or refuses them with an error of ours', () => {
  const input = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(bytes), fc.string().map(bytes))
  fc.assert(
    fc.property(input, (body) => {
      try {
        for (const message of parseBody(body).messages)
          expect(message.kind).toMatch(/^(request|notification|response|invalid)$/)
      } catch (error) {
        expect(error).toBeInstanceOf(AegisError)
      }
    }),
  )
})

it('takes exactly the members of JSON-RPC', () => {
  const member = fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error')
  const extra = fc
    .string()
    .filter((name) => !['jsonrpc', 'id', 'method', 'params'].includes(name) && name !== '__proto__')
  fc.assert(
    fc.property(extra, fc.string(), (name, value) => {
      const message = { jsonrpc: '2.0', id: 1, method: 'ping', [name]: value }
      expect(parseBody(bytes(message)).messages[0]?.kind).toBe('invalid')
    }),
  )
  fc.assert(
    fc.property(fc.uniqueArray(member), (members) => {
      const values = { jsonrpc: '2.0', id: 1, method: 'ping', params: {}, result: {}, error: { code: 1, message: '' } }
      const message = Object.fromEntries(members.map((name) => [name, values[name]]))
      const [parsed] = parseBody(bytes(message)).messages
      const has = (...names: string[]) => names.every((name) => members.includes(name as (typeof members)[number]))
      const call = has('jsonrpc', 'method') && !members.includes('result') && !members.includes('error')
      const answer = has('jsonrpc', 'id') && !members.includes('method') && !members.includes('params')
      const answers = answer && members.includes('result') !== members.includes('error')
      const kind = call ? (members.includes('id') ? 'request' : 'notification') : answers ? 'response' : 'invalid'
      expect(parsed?.kind).toBe(kind)
    }),
  )
})

it('keeps ids as they are, text and number apart', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 256 }), fc.maxSafeInteger()), (id) => {
      const [message] = parseBody(bytes({ jsonrpc: '2.0', id, method: 'ping' })).messages
      expect(message?.kind === 'request' && message.id).toBe(id === 0 ? 0 : id)
    }),
  )
})

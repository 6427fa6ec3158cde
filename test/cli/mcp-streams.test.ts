import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readEvents } from '../../src/cli/mcp/events.ts'
import { readLines } from '../../src/cli/mcp/lines.ts'
import { idAtAnEnd } from '../../src/cli/mcp/peek.ts'

/** The bytes in pieces cut at the given places, characters split or not. */
function inPieces(bytes: Buffer, cuts: readonly number[]): Readable {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const pieces = [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length))
  return Readable.from(pieces.filter((piece) => piece.length > 0))
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of source) found.push(each)
  return found
}

const cuts = fc.array(fc.nat())

it('reads the same lines however the bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/.test(text))
  await fc.assert(
    fc.asyncProperty(fc.array(line), cuts, fc.constantFrom('\n', '\r\n', '\n\n'), async (lines, at, end) => {
      const input = inPieces(Buffer.from(lines.map((each) => each + end).join('')), at)
      expect((await all(readLines(input, 10_000))).map(String)).toEqual(lines)
    }),
  )
})

it('reports a line over the limit once and reads on behind it', async () => {
  await fc.assert(
    fc.asyncProperty(cuts, fc.integer({ min: 11, max: 300 }), async (at, length) => {
      const input = inPieces(Buffer.from(`first\n${'x'.repeat(length)}\nlast\n`), at)
      expect((await all(readLines(input, 10))).map((line) => (Buffer.isBuffer(line) ? String(line) : null))).toEqual([
        'first',
        null,
        'last',
      ])
    }),
  )
})

it('gives the last line too where its end is missing', async () => {
  expect((await all(readLines(Readable.from([Buffer.from('a\nb')]), 10))).map(String)).toEqual(['a', 'b'])
})

it('reads the same events however the bytes are cut, and skips comments', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.json()), cuts, async (messages, at) => {
      const body = messages.map((message) => `: \n\nevent: message\ndata: ${message}\n\n`).join('')
      expect(await all(readEvents(inPieces(Buffer.from(body), at)))).toEqual(messages)
    }),
  )
})

it('knows whose line was too long where its id stands first or last, and guesses nowhere else', () => {
  const params = { text: 'x'.repeat(5_000), id: 7 }
  const ends = (message: object | string) => {
    const line = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
    return idAtAnEnd({ head: line.subarray(0, 1024), tail: line.subarray(-1024) })
  }
  expect(ends({ jsonrpc: '2.0', id: 5, method: 'm', params })).toBe(5)
  expect(ends({ id: 'a"b\\', jsonrpc: '2.0', method: 'm', params })).toBe('a"b\\')
  expect(ends({ method: 'm', params, jsonrpc: '2.0', id: -5 })).toBe(-5)
  expect(ends({ method: 'm', params, id: '5', jsonrpc: '2.0' })).toBe('5')
  expect(ends({ method: 'm', params })).toBe(null)
  expect(ends({ params: { id: 7 }, method: 'x'.repeat(5_000) })).toBe(null)
  expect(ends({ method: 'm', text: `${'x'.repeat(5_000)},"id":7}` })).toBe(null)
  expect(ends('x'.repeat(5_000))).toBe(null)
  fc.assert(
    fc.property(fc.json(), fc.oneof(fc.integer(), fc.string({ maxLength: 40 })), (value, id) => {
      expect(ends({ jsonrpc: '2.0', id, method: 'm', params: { value, pad: 'x'.repeat(2_000) } })).toBe(id)
      expect(ends({ method: 'm', params: { pad: 'x'.repeat(2_000), value }, jsonrpc: '2.0', id })).toBe(id)
      expect(ends({ method: 'm', pad: 'x'.repeat(2_000), params: { value, id } })).toBe(null)
    }),
  )
})

it('takes an event that only tells its id for no message', async () => {
  const body = 'event: message\nid: 1-0\ndata: \n\nid: 1-1\ndata: {"a":1}\n\n'
  expect(await all(readEvents(Readable.from([Buffer.from(body)])))).toEqual(['{"a":1}'])
})

it('drops an event whose end never came', async () => {
  expect(await all(readEvents(Readable.from([Buffer.from('data: {"a":1}\n\ndata: {"b"')])))).toEqual(['{"a":1}'])
})

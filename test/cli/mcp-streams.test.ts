import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readEvents } from '../../src/cli/mcp/events.ts'
import { readLines } from '../../src/cli/mcp/lines.ts'

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
      expect((await all(readLines(input, 10))).map((line) => line?.toString() ?? null)).toEqual(['first', null, 'last'])
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

it('takes an event that only tells its id for no message', async () => {
  const body = 'event: message\nid: 1-0\ndata: \n\nid: 1-1\ndata: {"a":1}\n\n'
  expect(await all(readEvents(Readable.from([Buffer.from(body)])))).toEqual(['{"a":1}'])
})

it('drops an event whose end never came', async () => {
  expect(await all(readEvents(Readable.from([Buffer.from('data: {"a":1}\n\ndata: {"b"')])))).toEqual(['{"a":1}'])
})

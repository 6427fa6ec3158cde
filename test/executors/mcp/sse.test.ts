import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSseParser, type SseEvent } from '../../../src/executors/mcp/sse.ts'

interface Parsed {
  readonly events: readonly SseEvent[]
  readonly overlong: number
  readonly retryMs: number | null
  readonly lastId: string
}

function parse(chunks: readonly Buffer[], limit = 1_000): Parsed {
  const events: SseEvent[] = []
  let overlong = 0
  const parser = createSseParser(
    limit,
    (event) => void events.push(event),
    () => void overlong++,
  )
  for (const chunk of chunks) parser.push(chunk)
  return { events, overlong, retryMs: parser.retryMs(), lastId: parser.lastId() }
}

/** Cuts the bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end))
}

const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n\0]/.test(text))

describe('an event stream', () => {
  it('reads the same however its bytes are cut and its lines are ended', () => {
    const event = fc.record({ data: fc.array(line, { minLength: 1, maxLength: 3 }), id: line })
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 4 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat()),
        (events, newline, places) => {
          const lines = events.flatMap(({ data, id }) => [
            `id: ${id}`,
            ...data.map((text) => `data: ${text}`),
            '',
            ': -',
          ])
          // A last LF tells the CR before it that it stood alone.
          const bytes = Buffer.from(`${lines.join(newline)}\n`)
          const expected = events
            .map(({ data, id }) => ({ name: 'message', data: data.join('\n'), id }))
            .filter(({ data }) => data !== '')
          expect(parse(cut(bytes, places)).events).toEqual(expected)
        },
      ),
    )
  })

  it.each([
    ['data:x\n\n', [{ name: 'message', data: 'x', id: '' }]],
    ['data: x\n\n', [{ name: 'message', data: 'x', id: '' }]],
    ['data:  x\n\n', [{ name: 'message', data: ' x', id: '' }]],
    ['data: a\ndata: b\n\n', [{ name: 'message', data: 'a\nb', id: '' }]],
    [
      'event: ping\ndata: x\n\ndata: y\n\n',
      [
        { name: 'ping', data: 'x', id: '' },
        { name: 'message', data: 'y', id: '' },
      ],
    ],
    [
      'id: 1\ndata: x\n\ndata: y\n\n',
      [
        { name: 'message', data: 'x', id: '1' },
        { name: 'message', data: 'y', id: '1' },
      ],
    ],
    [': comment\n\n', []],
    ['id: 1\ndata: \n\n', []],
    ['data\n\n', []],
    ['unknown: x\n\n', []],
    ['data: unfinished', []],
    ['data: unfinished\n', []],
  ])('%j', (text, events) => {
    expect(parse([Buffer.from(text)]).events).toEqual(events)
  })

  it('remembers the last event id and the wait that the server asks for', () => {
    const { lastId, retryMs } = parse([Buffer.from('id: 7\nretry: 250\n\nid: a\0b\nretry: soon\n\n')])
    expect({ lastId, retryMs }).toEqual({ lastId: '7', retryMs: 250 })
  })

  it('drops an event over the limit and says so, in one line or in many, and reads on', () => {
    const long = parse([Buffer.from(`data: ${'x'.repeat(2_000)}\n\ndata: after\n\n`)])
    expect(long.overlong).toBe(1)
    expect(long.events).toEqual([{ name: 'message', data: 'after', id: '' }])
    const many = parse([Buffer.from(`${`data: ${'x'.repeat(100)}\n`.repeat(15)}\ndata: after\n\n`)])
    expect(many.overlong).toBeGreaterThan(0)
    expect(many.events).toEqual([{ name: 'message', data: 'after', id: '' }])
  })

  it('counts empty lines: an event of nothing else would take memory without end', () => {
    const flood = parse([Buffer.from(`${'data\n'.repeat(1_500)}\ndata: after\n\n`)])
    expect(flood.overlong).toBeGreaterThan(0)
    expect(flood.events).toEqual([{ name: 'message', data: 'after', id: '' }])
  })
})

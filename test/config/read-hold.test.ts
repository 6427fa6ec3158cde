import { describe, expect, it } from 'vitest'
import { DEFAULT_HOLD } from '../../src/approvals/hold-budget.ts'
import { readSettings } from '../../src/config/read-settings.ts'
import type { FileSettings } from '../../src/config/shape.ts'
import { AegisError } from '../../src/core/errors.ts'

const around = { env: {}, resolve: (path: string) => `/etc/aegis/${path}` }
const read = (yaml: string): FileSettings => readSettings(`version: 1\n${yaml}`, 'aegis.yaml', around)

function complaint(yaml: string): string {
  try {
    read(yaml)
  } catch (error) {
    if (error instanceof AegisError) return error.message
    throw error
  }
  return 'no complaint'
}

describe('hold', () => {
  it('knows the clients that many have, and how long any other is held', () => {
    expect(read('').hold).toEqual(DEFAULT_HOLD)
  })

  it('takes a setting for a client before what it knows, whatever the case, and keeps the rest', () => {
    const { hold } = read('hold:\n  default: 20s\n  clients: { Claude-Code: 4m, my-agent: 1h }\n')
    expect(hold.default).toBe(20_000)
    expect(hold.clients).toMatchObject({ 'claude-code': 240_000, 'my-agent': 3_600_000, 'codex-mcp-client': 110_000 })
  })

  it.each([
    ['hold: { default: soon }', 'aegis.yaml:2:18: `hold.default` must be a duration such as 30s, 5m or 1h'],
    ['hold: { default: 2h }', '`hold.default` must be from 1s to 1h'],
    ['hold: { clients: { a: 10ms } }', 'aegis.yaml:2:23: `hold.clients.a` must be from 1s to 1h'],
    ['hold: { clients: { a: 10s, A: 20s } }', '`hold.clients.A` is named twice'],
    ['hold: { clients: { "": 10s } }', 'the name of a client has 1 to 128 characters'],
    ['hold: { defualt: 10s }', 'default'],
  ])('refuses %s', (yaml, message) => {
    expect(complaint(`${yaml}\n`)).toContain(message)
  })
})

describe('the approval of an upstream', () => {
  const upstream = (more: string) => `upstreams:\n  a: { catalog: none, url: "http://127.0.0.1:1/mcp", ${more} }\n`

  it('is shown to the user of the client only where that is asked for', () => {
    expect(read(upstream('')).upstreams['a']?.elicitation).toBeUndefined()
    expect(read(upstream('approval: { elicitation: never }')).upstreams['a']?.elicitation).toBeUndefined()
    expect(read(upstream('approval: { elicitation: url }')).upstreams['a']?.elicitation).toBe('url')
  })

  it.each([
    [
      'approval: { elicitation: form }',
      'aegis.yaml:3:79: `upstreams.a.approval.elicitation` must be one of url, never',
    ],
    ['approval: { elicit: url }', 'elicitation'],
    ['approval: url', '`upstreams.a.approval`'],
  ])('refuses %s: what a form says approves nothing', (more, message) => {
    expect(complaint(upstream(more))).toContain(message)
  })
})

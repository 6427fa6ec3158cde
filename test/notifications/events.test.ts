import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/core/json.ts'
import type { StoredEntry } from '../../src/ledger/store.ts'
import { happeningOf } from '../../src/notifications/events.ts'
import type { Notice } from '../../src/notifications/ports.ts'
import { plainLine, summaryOf } from '../../src/notifications/summary.ts'
import { webhookBody } from '../../src/notifications/webhook.ts'

const TS = '2026-04-06T14:22:00.000Z'

function stored(kind: string, more: JsonObject = {}): StoredEntry {
  const body = {
    action: { capability: 'write', protocol: 'git', tool: 'github.push_files' },
    actor: { agent: 'claude-code', subject: 'key_1', tenant: 'default' },
    decision: { policy: 'pr-writer', rule: 'git:github.*' },
    env: '01900000-0000-7000-8000-000000000001',
    kind,
    session: 'key_1/sess',
    ts: TS,
    ...more,
  }
  const place = { n: 7, eid: 'e-7', session: 'key_1/sess', seq: 0, kind, env: body.env, ts: TS, hash: 'h', prev: 'p' }
  return { ...place, body: Buffer.from(JSON.stringify(body)) }
}

function notice(kind: string, more: JsonObject = {}): Notice {
  const happening = happeningOf(stored(kind, more))
  if (happening === null) throw new Error(`nobody is told of ${kind}`)
  const { id, event, body, at } = happening
  return { id, event, body, at, n: 7, hash: 'h', approval: null, values: {}, intent: null }
}

const alice = { reviewer: { channel: 'slack', name: 'alice', principal: 'key_2', separation: 'host' } }

describe('what people are told of', () => {
  it.each<[string, JsonObject, string, string]>([
    ['review', {}, 'approval', 'claude-code asks to run github.push_files (rule git:github.* of pr-writer)'],
    ['approve', alice, 'approved', 'alice approved github.push_files'],
    ['deny', alice, 'denied', 'alice denied github.push_files'],
    [
      'approve',
      { reviewer: { channel: 'rest', name: 'mallory', claimed: 'alice', principal: 'key_3', separation: 'host' } },
      'approved',
      'mallory (as alice) approved github.push_files',
    ],
    [
      'approve',
      {
        reviewer: {
          ...{ channel: 'dashboard', name: 'mallory@example.com', claimed: 'admin', separation: 'host' },
          principal: 'oidc:0123456789ab:mallory-1',
        },
      },
      'approved',
      'login mallory@example.com (as admin) approved github.push_files',
    ],
    ['block', {}, 'denied', 'github.push_files of claude-code was blocked (rule git:github.* of pr-writer)'],
    [
      'expire',
      { actor: { agent: 'aegis', subject: 'system', tenant: 'default' } },
      'expired',
      'nobody settled github.push_files in time',
    ],
    ['expire', {}, 'expired', 'claude-code no longer asks for github.push_files'],
    [
      'rewrite',
      {},
      'rewrite',
      'github.push_files of claude-code runs as a pull request (rule git:github.* of pr-writer)',
    ],
    [
      'result',
      { outcome: { label: 'pr/1247', status: 'ok' } },
      'result',
      'github.push_files of claude-code has run: pr/1247',
    ],
    ['orphan', {}, 'anomaly', 'what came of github.push_files is not known: the gateway ended in the middle of it'],
    ['gap', { count: 3, from: 'noon', to: 'one' }, 'anomaly', '3 refusals between noon and one could not be recorded'],
    [
      'policy',
      { version: 2, names: ['a', 'b'], cause: 'rollback', by: 'key_9' },
      'policy',
      'version 2 of a, b is in force (rollback by key_9)',
    ],
  ])('an entry %s (%j) is %s', (kind, more, event, summary) => {
    const told = notice(kind, more)
    expect(told).toMatchObject({ id: 'e-7', event })
    expect(summaryOf(told)).toBe(summary)
  })

  it.each([
    'allow',
    'boot',
    'manifest',
    'key',
    'credential',
    'erase',
    'constructor',
    '__proto__',
  ])('nobody is told of an entry %s', (kind) => expect(happeningOf(stored(kind))).toBe(null))

  it('nor of a call that asks again for what waits already, nor of bytes that are no body', () => {
    expect(happeningOf(stored('review', { ref: '01900000-0000-7000-8000-000000000002' }))).toBe(null)
    expect(happeningOf({ ...stored('block'), body: Buffer.from('[1]') })).toBe(null)
  })

  it('a leaf of the log has no id of its own, so that its place is one', () => {
    expect(happeningOf({ ...stored('gap'), eid: null })?.id).toBe('leaf-7')
  })
})

describe('the body of a webhook', () => {
  it('shows what cannot be seen, in every text that an agent wrote', () => {
    const hostile = 'x\u202e\u200b\n\u001b[31m'
    const told = notice('block', {
      action: { capability: 'write', protocol: 'mcp', tool: hostile },
      actor: { agent: hostile, subject: 'key_1', tenant: 'default' },
      decision: { policy: hostile, rule: hostile },
    })
    const { agent_name, tool_name, action_summary } = webhookBody(told, [], () => '')
    for (const text of [agent_name, tool_name, action_summary]) {
      expect(text).toContain('x<U+202E><U+200B><U+000A><U+001B>[31m')
    }
  })

  it('shortens long texts by whole characters', () => {
    expect(plainLine('👩‍🚀'.repeat(200)).isWellFormed()).toBe(true)
    expect([...plainLine('a'.repeat(500))]).toHaveLength(161)
  })
})

import { describe, expect, it } from 'vitest'
import { createReviewerMap } from '../../../src/admin/slack/reviewers.ts'
import type { Principal, Sha256 } from '../../../src/core/ids.ts'
import type { KeyRecord } from '../../../src/identity/ports.ts'

function record(id: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return {
    ...{ id: id as Principal, name: id, owner: id, sponsor: '', role: 'reviewer', hash: '' as Sha256 },
    ...{ prefix: 'aegis_', createdAt: 0, expiresAt: null, revokedAt: null, room: null, lastUsedAt: null },
    ...more,
  }
}

const RECORDS = [
  record('key_1', { name: 'alice', owner: 'dana' }),
  record('key_2', { name: 'second key of alice', owner: 'dana' }),
  record('key_3', { name: 'bob', owner: 'bob' }),
  record('key_4', { name: 'bob', owner: 'another bob' }),
  record('key_5', { name: 'carol', owner: 'carol', revokedAt: 1 }),
  record('key_6', { name: 'dave', owner: 'dave', expiresAt: 99 }),
  record('key_7', { name: 'robot', owner: 'agent:robot', role: 'agent' }),
  record('key_8', { name: 'nobody’s', owner: '' }),
  record('oidc:abc:erin', { name: 'carol', owner: 'erin@example.com', prefix: '', expiresAt: 500 }),
]

describe('a user of Slack stands for', () => {
  const who = async (named: string) => {
    const keyring = { list: async () => RECORDS }
    const mapped = await createReviewerMap({ reviewers: { U1: named }, keyring, clock: { now: () => 100 } })('U1')
    return mapped.who?.id ?? null
  }

  it.each<[string, string, string | null]>([
    ['a key by its id', 'key_3', 'key_3'],
    ['a key by its name', 'alice', 'key_1'],
    ['a key by its owner, whichever of several it is', 'dana', 'key_1'],
    ['a key that nobody owns, by its name', 'nobody’s', 'key_8'],
    ['a person who logs in, by who they are', 'erin@example.com', 'oidc:abc:erin'],
    ['a person who logs in, by the id of their record', 'oidc:abc:erin', 'oidc:abc:erin'],
    ['nobody where two people have the name', 'bob', null],
    ['nobody where the key was revoked, whatever a person calls themselves', 'carol', null],
    ['nobody where the key has expired', 'dave', null],
    ['nobody where the name is an agent’s', 'robot', null],
    ['nobody where nobody is named', '', null],
  ])('%s', async (_, named, id) => {
    expect(await who(named)).toBe(id)
  })
})

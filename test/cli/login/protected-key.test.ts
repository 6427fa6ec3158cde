import { beforeAll, describe, expect, it } from 'vitest'
import { describe as about, protect, unprotect } from '../../../src/cli/login/protected-key.ts'
import type { JsonObject } from '../../../src/core/json.ts'

const SECRET = 'aegis_reviewer_0123456789012345678901234567890123456789abc'
const PASSPHRASE = 'correct horse battery staple'
const KEY = {
  url: 'http://127.0.0.1:8081',
  socket: '/run/aegis/agents.sock',
  principal: 'key_1',
  name: 'alice',
  role: 'reviewer',
}

describe('a key behind a passphrase', () => {
  let kept: JsonObject
  beforeAll(async () => {
    kept = await protect(SECRET, PASSPHRASE, KEY)
  })

  it('comes back whole for the passphrase, from a file that does not hold it', async () => {
    expect(JSON.stringify(kept)).not.toContain(SECRET)
    expect(JSON.stringify(kept)).not.toContain(PASSPHRASE)
    expect(await unprotect(JSON.parse(JSON.stringify(kept)), PASSPHRASE)).toBe(SECRET)
  })

  it('says whose it is and where it is good without the passphrase', () => {
    expect(about(kept)).toEqual(KEY)
  })

  it('is behind scrypt with 128 MiB and AES-256-GCM, with a salt and a nonce of its own each time', async () => {
    expect(kept).toMatchObject({ v: 1, cipher: 'aes-256-gcm', kdf: { name: 'scrypt', n: 131072, r: 8, p: 1 } })
    const again = await protect(SECRET, PASSPHRASE, KEY)
    for (const member of ['nonce', 'sealed', 'kdf']) expect(again[member]).not.toEqual(kept[member])
  })

  it('takes the same words however the keyboard composes them', async () => {
    const composed = await protect(SECRET, 'gr\u00fc\u00dfe aus k\u00f6ln', KEY)
    expect(await unprotect(composed, 'gru\u0308\u00dfe aus ko\u0308ln')).toBe(SECRET)
  })

  const FAILED = 'the passphrase is wrong, or the file was changed; nothing was sent'
  it.each([
    ['a wrong passphrase', {}, 'correct horse battery stable'],
    ['an empty one', {}, ''],
    ['another address: an agent would have the key sent to itself', { url: 'http://127.0.0.1:6666' }, PASSPHRASE],
    ['another socket', { socket: '/tmp/mine.sock' }, PASSPHRASE],
    ['no socket, so that the port would be taken', { socket: null }, PASSPHRASE],
    ['another name on the question', { name: 'bob' }, PASSPHRASE],
    ['another role', { role: 'viewer' }, PASSPHRASE],
    ['another nonce', { nonce: Buffer.alloc(12).toString('base64') }, PASSPHRASE],
    ['another ciphertext', { sealed: Buffer.alloc(40).toString('base64') }, PASSPHRASE],
  ])('tells one thing only for %s', async (_, change, passphrase) => {
    await expect(unprotect({ ...kept, ...change }, passphrase)).rejects.toThrow(FAILED)
  })

  it.each([
    ['a cheaper derivation, which an agent could then guess against', { n: 16384 }],
    ['one that no machine has the memory for', { n: 2 ** 24 }],
    ['one that takes too much memory together', { n: 2 ** 20, r: 16 }],
    ['a cost that is no power of two', { n: 131073 }],
    ['many rounds', { p: 1000 }],
    ['blocks of nothing', { r: 0 }],
    ['text for a number', { n: '131072' }],
    ['another derivation', { name: 'pbkdf2' }],
    ['no salt', { salt: '' }],
  ])('is refused before any work for %s', async (_, change) => {
    const kdf = { ...(kept['kdf'] as JsonObject), ...change } as JsonObject
    await expect(unprotect({ ...kept, kdf }, PASSPHRASE)).rejects.toMatchObject({ code: 'config' })
  })

  it.each([
    ['a version to come', { v: 2 }],
    ['another cipher', { cipher: 'aes-256-cbc' }],
    ['a short nonce', { nonce: 'AAAA' }],
    ['nothing sealed', { sealed: '' }],
    ['far too much sealed', { sealed: 'A'.repeat(4000) }],
    ['no owner', { name: null }],
    ['no address', { url: 7 }],
  ])('is refused for %s', async (_, change) => {
    await expect(unprotect({ ...kept, ...change } as JsonObject, PASSPHRASE)).rejects.toMatchObject({ code: 'config' })
  })

  it.each([null, 'text', 7, []])('is refused where there is %j instead', async (value) => {
    await expect(unprotect(value, PASSPHRASE)).rejects.toMatchObject({ code: 'config' })
  })

  it('needs a passphrase that is not guessed at once', async () => {
    await expect(protect(SECRET, 'elevenchars', KEY)).rejects.toThrow('at least 12 characters')
    await expect(protect(SECRET, '💡'.repeat(11), KEY)).rejects.toThrow('at least 12 characters')
  })
})

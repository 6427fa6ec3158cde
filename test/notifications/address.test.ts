import { describe, expect, it } from 'vitest'
import { isPrivateAddress, isSafeAddress, mayReach } from '../../src/notifications/address.ts'
import { post } from '../../src/notifications/http-post.ts'
import { startSink } from '../support/webhook-sink.ts'

describe('where notifications may go', () => {
  it.each([
    ['https://hooks.example/x', true],
    ['http://127.0.0.1:9/x', true],
    ['http://[::1]:9/x', true],
    ['http://localhost/x', true],
    ['http://hooks.example/x', false],
    ['http://127.0.0.1.example/x', false],
    ['http://10.0.0.1/x', false],
    ['https://alice:pw@hooks.example/x', false],
    ['ftp://hooks.example', false],
    ['file:///etc/passwd', false],
    ['not an address', false],
  ])('%s may be configured: %s', (address, safe) => {
    expect(isSafeAddress(address)).toBe(safe)
  })

  it.each([
    '10.1.2.3',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'not-an-address',
  ])('%s is private', (address) => {
    expect(isPrivateAddress(address)).toBe(true)
  })

  it.each(['8.8.8.8', '140.82.112.3', '172.32.0.1', '2606:4700::1111'])('%s is public', (address) => {
    expect(isPrivateAddress(address)).toBe(false)
  })

  it('a name leads to public addresses only, unless the configuration allows private ones or writes the address out', () => {
    expect(mayReach('hooks.example', false)('10.0.0.1')).toBe(false)
    expect(mayReach('hooks.example', false)('8.8.8.8')).toBe(true)
    expect(mayReach('hooks.example', true)('10.0.0.1')).toBe(true)
    expect(mayReach('10.0.0.1', false)('10.0.0.1')).toBe(true)
    expect(mayReach('localhost.example', false)('127.0.0.1')).toBe(false)
  })

  it('does not connect where a name leads to this machine', async () => {
    const sink = await startSink()
    const named = sink.url.replace('127.0.0.1', 'aegis-test.localhost')
    const failed = post(named, { headers: {}, body: '{}' }, 100, AbortSignal.timeout(5000))
    await expect(failed).rejects.toThrow(/private address|ENOTFOUND|EAI_AGAIN/)
    expect(sink.received).toEqual([])
    sink.close()
  })

  it('follows no redirect, and reads no more of an answer than it was told to', async () => {
    const [sink, elsewhere] = [await startSink(), await startSink()]
    sink.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end('x'.repeat(1_000_000))
    const answer = await post(sink.url, { headers: {}, body: '{}' }, 100, AbortSignal.timeout(5000))
    expect(answer).toEqual({ status: 307, body: 'x'.repeat(100), wait: null })
    expect(elsewhere.received).toEqual([])
    sink.close()
    elsewhere.close()
  })

  it.each([
    ['never answers', () => {}],
    ['never stops', (response: { write(text: string): void }) => response.write('x')],
    ['hangs up', (response: { destroy(): void }) => response.destroy()],
  ])('gives up with its signal on one that %s, and does not tell the path of the address', async (_, answer) => {
    const sink = await startSink()
    sink.answer = answer
    const failed = post(sink.url, { headers: {}, body: '{}' }, 100, AbortSignal.timeout(100))
    await expect(failed).rejects.toMatchObject({ name: 'DeliveryError', permanent: false })
    await expect(failed).rejects.not.toThrow(/secret-path/)
    sink.close()
  })
})

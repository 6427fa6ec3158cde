import { describe, expect, it } from 'vitest'
import { AegisError } from '../../../src/core/errors.ts'
import type { UpstreamConfig } from '../../../src/executors/mcp/index.ts'
import { action, context, failureOf, http, stdio, upstreamsOf } from './support.ts'

const URL = 'http://127.0.0.1:1/mcp'

describe('the configuration of an upstream', () => {
  it.each<[string, UpstreamConfig, string]>([
    ['a url that is none', http('localhost'), 'upstreams.x.url'],
    ['another scheme', http('ftp://host/'), 'upstreams.x.url'],
    ['a password in the url', http('http://me:secret@host/'), 'upstreams.x.url'],
    [
      "a header that is the protocol's",
      http(URL, { headers: { 'Mcp-Session-Id': '1' } }),
      'upstreams.x.headers.Mcp-Session-Id',
    ],
    ['a header that would be two', http(URL, { headers: { 'x-a': '1\r\nx-b: 2' } }), 'upstreams.x.headers.x-a'],
    ['a header name with a space', http(URL, { headers: { 'x a': '1' } }), 'upstreams.x.headers.x a'],
    ['no program', stdio(['']), 'upstreams.x.command'],
    ['a NUL byte', stdio(['a', 'b\0']), 'upstreams.x.command'],
    ['a variable that is no name', stdio(['a'], { env: { 'A=B': '1' } }), 'upstreams.x.env'],
    ['no time at all', http(URL, { timeout: 0 }), 'upstreams.x.timeout'],
    ['a time that Node cannot wait', http(URL, { timeout: 2 ** 31 }), 'upstreams.x.timeout'],
    ['a time that is none', http(URL, { connectTimeout: Number.NaN }), 'upstreams.x.connectTimeout'],
  ])('with %s is refused, naming the member', (_, config, path) => {
    const make = () => upstreamsOf({ x: config })
    expect(make).toThrow(AegisError)
    expect(make).toThrow(expect.objectContaining({ code: 'config', path }))
    expect(make).not.toThrow(/secret/)
  })

  it('is what the gateway and the entrances see of it', async () => {
    const upstreams = upstreamsOf({
      a: http(URL, { catalog: 'github', credential: 'bot', onReview: 'hold' }),
      b: http(URL),
    })
    expect(upstreams.list()).toEqual([
      { name: 'a', catalog: 'github', credential: 'bot', onReview: 'hold' },
      { name: 'b', catalog: 'none', credential: null, onReview: 'refuse' },
    ])
    expect(upstreams.get('b')).toEqual(upstreams.list()[1])
    expect(upstreams.get('c')).toBeNull()
    await upstreams.close()
  })

  it('without the upstream that a call names is told with those it has', async () => {
    const upstreams = upstreamsOf({ a: http(URL), b: http(URL) })
    const error = await failureOf(upstreams.execute(action('c', 'run'), null, context(null)))
    expect(error.code).toBe('no_upstream')
    expect(error.advice).toBe('use one of: `a`, `b`')
    await upstreams.close()
  })
})

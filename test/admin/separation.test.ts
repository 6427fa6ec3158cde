import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { separationOf } from '../../src/admin/separation.ts'

describe('what separates a reviewer from the agent', () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))

  it.each([
    ...own,
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
  ])('is nothing where they come from this machine, by %s', (address) => {
    expect(separationOf(address)).toBe('none')
    if (!address.includes(':')) expect(separationOf(`::ffff:${address}`)).toBe('none')
  })

  it('is nothing where they hung up before they were asked for', () => {
    expect(separationOf(undefined)).toBe('none')
  })

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::7', '2001:db8::7%eth0'])('is a host for %s', (address) => {
    expect(separationOf(address)).toBe('host')
  })
})

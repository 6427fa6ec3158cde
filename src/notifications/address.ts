import { BlockList, isIP } from 'node:net'

/** Addresses that no public name should lead to: this machine, its network, and what carries such addresses inside (RFC 6890, 6052, 3056). */
const PRIVATE: readonly (readonly [net: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['::ffff:0:0', 96, 'ipv6'],
  ['64:ff9b::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]

// One list a family: an IPv4 address would else be found under the prefix that IPv6 carries such addresses in.
const blocked = { ipv4: new BlockList(), ipv6: new BlockList() }
for (const [net, prefix, family] of PRIVATE) blocked[family].addSubnet(net, prefix, family)

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost']

/** Is this an address to tell things to: https, or plain http to this machine; without a user name or password? */
export function isSafeAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname))
}

/** Whether an address (not a name) is one that only the machines around us have. */
export function isPrivateAddress(address: string): boolean {
  const version = isIP(address)
  const family = version === 4 ? 'ipv4' : 'ipv6'
  return version === 0 || blocked[family].check(address, family)
}

/**
 * Which addresses a name may lead to. An address that the configuration writes out, and `localhost`, are what it wants; a name
 * leads where whoever runs its zone says, so that private ones count only where the configuration allows them (server-side
 * request forgery, DNS rebinding).
 */
export function mayReach(host: string, privately: boolean): (address: string) => boolean {
  const named = host.replace(/^\[|\]$/g, '')
  if (privately || isIP(named) !== 0 || named === 'localhost') return () => true
  return (address) => !isPrivateAddress(address)
}

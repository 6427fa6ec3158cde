import { AegisError } from '../core/errors.ts'

/**
 * Tokens, and what Apps sign, travel on this address.
 * @throws AegisError `config` where others could read along
 */
export function demandSafeAddress(name: string, apiUrl: string): void {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null
  const loopback = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  const plain = url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (plain && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) return
  throw new AegisError('config', `credential \`${name}\`: api_url must be an https address (http on loopback only)`, {
    advice: 'use https://api.github.com, or https://HOST/api/v3 for an Enterprise server',
    path: `credentials.${name}.api_url`,
  })
}

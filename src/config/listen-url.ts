import { AegisError } from '../core/errors.ts'

/** The address of a port of ours, as a program on this machine reaches it. @throws AegisError `config` */
export function listenUrl(host: string, port: number): string {
  if (host === '') throw new AegisError('config', 'listen.host is empty')
  const wildcard = host === '0.0.0.0' || host === '::'
  const name = wildcard ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

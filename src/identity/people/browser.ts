import { timingSafeEqual } from 'node:crypto'
import { AegisError } from '../../core/errors.ts'
import { isLoopbackName } from '../oauth/settings.ts'

/**
 * Whether what a browser says of where a request comes from lets its cookies count: our own pages, the address bar, or a link that
 * somebody followed. A page at another port of this host is "same-site", and the browser sends it all our cookies; what it loads or
 * embeds goes without them. Clients that say nothing (Fetch Metadata is sent by all browsers since 2023) have cookies of their own making.
 */
export function mayBringCookies(headers: Headers): boolean {
  const site = headers.get('sec-fetch-site')
  if (site === null || site === 'same-origin' || site === 'none') return true
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

/**
 * A change that rests on a cookie, or makes one, comes from a page of ours (RFC 6454; Fetch Metadata).
 * @throws AegisError `forbidden`
 */
export function demandOwnPage(headers: Headers, adminUrl: string): void {
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  const own = originsOf(adminUrl, headers.get('host'))
  if ((site === null || site === 'same-origin') && origin !== null && own.includes(origin.toLowerCase())) return
  throw new AegisError('forbidden', 'this came from a page of another site, or from no page', {
    advice: `open ${own[0]} (where that is not your address: \`auth.admin_url\` in aegis.yaml), or send a key instead of a login`,
  })
}

/** Without TLS any name of this machine will do: the Host was checked before. */
function originsOf(adminUrl: string, host: string | null): readonly string[] {
  const { origin, protocol } = new URL(adminUrl)
  return protocol === 'http:' && host !== null ? [origin, `http://${host.toLowerCase()}`] : [origin]
}

/**
 * Whether a browser reached us by another name of this machine (`localhost`) than providers send it back to (`127.0.0.1`): cookies are
 * kept by name, so what begins here would not be known there.
 */
export function cameByOtherLoopbackName(headers: Headers, adminUrl: string): boolean {
  const address = `http://${headers.get('host') ?? ''}`
  const came = URL.canParse(address) ? new URL(address).hostname : ''
  const wanted = new URL(adminUrl).hostname
  return came !== wanted && isLoopbackName(came) && isLoopbackName(wanted)
}

/** @throws AegisError `forbidden` unless the presented token is the session's */
export function demandCsrf(csrf: string, presented: string | null): void {
  const [wanted, given] = [Buffer.from(csrf), Buffer.from(presented ?? '')]
  if (wanted.byteLength === given.byteLength && timingSafeEqual(wanted, given)) return
  throw new AegisError('forbidden', 'the CSRF token of your login is missing or wrong', {
    advice: 'load the page again; scripts send it as `X-CSRF-Token`',
  })
}

const LOCAL_PATH = /^\/(?![/\\])[!-[\]-~]{0,511}$/

/** A path of ours to go on to after a login; `/` where the text is anything else, or would lead round in a circle. */
export function localPath(text: string | null | undefined): string {
  if (text === null || text === undefined || !LOCAL_PATH.test(text)) return '/'
  const { origin, pathname } = new URL(text, 'http://here.invalid')
  return origin === 'http://here.invalid' && !/^\/(?:login|logout)(?:\/|$)/.test(pathname) ? text : '/'
}

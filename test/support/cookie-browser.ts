import { request as send } from 'node:http'

/** Where a request comes from, as browsers say it (Fetch Metadata). */
export type Site = 'none' | 'same-origin' | 'same-site' | 'cross-site'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly url: string
}

interface Kept {
  readonly value: string
  readonly sameSite: string
  readonly attributes: string
}

/** As much of a browser as logging in needs: a cookie jar with SameSite, Fetch Metadata, Origin, redirects, refreshes. */
export interface Browser {
  readonly jar: Map<string, Kept>
  /** One request, no redirect followed. */
  get(url: string, site?: Site, headers?: Readonly<Record<string, string>>): Promise<Page>
  post(
    url: string,
    form: Readonly<Record<string, string>>,
    more?: {
      readonly site?: Site
      readonly origin?: string | null
      readonly headers?: Readonly<Record<string, string>>
    },
  ): Promise<Page>
  /** Goes where a person would end: follows redirects and refreshes. A redirect keeps what the first request came from. */
  open(url: string, site?: Site): Promise<Page>
}

const MOST_STEPS = 8

export function createBrowser(): Browser {
  const jar = new Map<string, Kept>()

  function cookies(method: string, site: Site): string | undefined {
    const isOwn = site === 'none' || site === 'same-origin'
    const sent = [...jar].filter(([, { sameSite }]) => isOwn || (sameSite === 'Lax' && method === 'GET'))
    return sent.length === 0 ? undefined : sent.map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  function keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split('; ')
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      const sameSite = attributes.find((one) => one.startsWith('SameSite='))?.slice(9) ?? 'Lax'
      if (attributes.includes('Max-Age=0')) jar.delete(name)
      else jar.set(name, { value, sameSite, attributes: attributes.join('; ') })
    }
  }

  async function ask(method: string, url: string, site: Site, more: Record<string, string>, body = ''): Promise<Page> {
    const cookie = cookies(method, site)
    const headers = {
      accept: 'text/html',
      'sec-fetch-site': site,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      ...(cookie === undefined ? {} : { cookie }),
      ...(method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...more,
    }
    const page = await exchange(url, method, headers, body)
    keep([page.headers['set-cookie'] ?? []].flat())
    return page
  }

  const get: Browser['get'] = (url, site = 'none', headers = {}) => ask('GET', url, site, { ...headers })

  return {
    jar,
    get,
    post(url, form, { site = 'same-origin', origin = new URL(url).origin, headers = {} } = {}) {
      const more = { 'content-type': 'application/x-www-form-urlencoded', ...(origin === null ? {} : { origin }) }
      return ask('POST', url, site, { ...more, ...headers }, new URLSearchParams(form).toString())
    },
    async open(url, first = 'none') {
      let page = await get(url, first)
      let site = first
      for (let step = 0; step < MOST_STEPS; step++) {
        const next = onward(page)
        if (next === null) return page
        // Once a chain has gone through another origin it counts as coming from there; what a page of ours loads does not.
        if (next.isRefresh) site = 'same-origin'
        else if (new URL(next.url).origin !== new URL(page.url).origin) site = 'cross-site'
        page = await get(next.url, site)
      }
      throw new Error(`no end of redirects at ${page.url}`)
    },
  }
}

function onward({ url, headers, text }: Page): { readonly url: string; readonly isRefresh: boolean } | null {
  const { location } = headers
  if (typeof location === 'string') return { url: new URL(location, url).href, isRefresh: false }
  const refresh = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(text)?.[1]
  return refresh === undefined ? null : { url: new URL(refresh.replaceAll('&amp;', '&'), url).href, isRefresh: true }
}

/** Not `fetch`, which writes Fetch Metadata of its own. */
function exchange(url: string, method: string, headers: Record<string, string>, body: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode: status = 0, headers: got } = response
        resolve({ status, headers: got, text: Buffer.concat(chunks).toString(), url })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

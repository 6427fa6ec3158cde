// Loaded with `node --import` before a program that talks to https://api.github.com: its requests go to the local forge.
// Authorization and everything else pass unchanged. It refuses to start without the forge, and lets nothing else of
// GitHub's through, so that a mistake here never sends a local token to the real GitHub.
const forge = process.env['AEGIS_FORGE_URL']
if (forge === undefined || !/^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?\/?$/.test(forge)) {
  process.stderr.write('forge preload: AEGIS_FORGE_URL must be the loopback address of a running forge\n')
  process.exit(2)
}

const realFetch = globalThis.fetch
const isGitHub = (host) => /(?:^|\.)(?:github\.com|githubusercontent\.com|ghe\.com)$/.test(host)

globalThis.fetch = async (input, init) => {
  const request = input instanceof Request ? input : null
  const url = new URL(request === null ? String(input) : request.url)
  if (url.protocol === 'https:' && url.host === 'api.github.com') {
    const target = new URL(url.pathname + url.search, forge)
    return realFetch(request === null ? target : new Request(target, request), init)
  }
  if (isGitHub(url.hostname)) throw new TypeError(`forge preload: ${url.hostname} is not served here`)
  return realFetch(input, init)
}

import { existsSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { listenUrl } from '../../config/listen-url.ts'
import { namingUpstreams } from '../../config/naming-upstreams.ts'
import { type Config, loadConfig, type UpstreamSettings } from '../../config.ts'
import { adminEndpoint, agentEndpoint, ask, serviceOf } from '../client.ts'
import { type Context, placesOf } from '../context.ts'
import { isHealthy } from '../server-process.ts'
import { attempt, type Check, fail, failedBy, ok, warn } from './check.ts'
import { expiringKeys } from './expiring-keys.ts'
import { notificationChecks } from './notifications.ts'
import { agentSideChecks, separation } from './separation.ts'

/** Everything that can be told without changing anything. */
export async function runChecks(context: Context): Promise<readonly Check[]> {
  const checks: Check[] = [ok('node', process.versions.node)]
  if (serviceOf(context) !== null && !existsSync(placesOf(context).configFile)) {
    return [...checks, ...(await agentSideChecks(context))]
  }
  const config = await readConfig(context, checks)
  if (config === null) return checks
  checks.push(await attempt('policy', () => policyCheck(config)))
  checks.push(await attempt('store', () => storeCheck(config)))
  checks.push(...keyChecks(context, config))
  const server = await attempt('server', () => serverCheck(context))
  checks.push(server)
  if (server.state === 'ok') checks.push(...(await adminChecks(context, config)))
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    checks.push(await attempt(`upstream ${name}`, () => upstreamCheck(`upstream ${name}`, upstream)))
  }
  for (const issuer of config.auth.issuers) {
    const name = `issuer ${issuer.issuer}`
    checks.push(await attempt(name, () => issuerCheck(name, issuer)))
  }
  const { provider } = config.auth.login
  if (provider !== null) checks.push(await attempt('login', () => loginCheck(provider, config)))
  checks.push(await attempt('separation', () => separation(context)))
  return checks
}

async function readConfig(context: Context, checks: Check[]): Promise<Config | null> {
  try {
    const config = loadConfig({ env: context.env, home: context.home, cwd: context.cwd, serving: true })
    const where = config.source ?? 'none; defaults apply'
    checks.push(config.source === null ? warn('config', where, 'Run `aegis init`.') : ok('config', where))
    return config
  } catch (error) {
    checks.push(failedBy('config', error))
    return null
  }
}

/** Compiles the same documents the server would, with the same parser. */
async function policyCheck(config: Config): Promise<Check> {
  const { loadPolicies } = await import('../../policy-set/index.ts')
  const { policy } = await loadPolicies({ sources: config.policies, upstreams: namingUpstreams(config.upstreams) })
  return ok('policy', `${policy.name} (sha256 ${policy.digest.slice(0, 12)}…)`)
}

/** Reads only: the writer's settings (WAL, synchronous FULL) are read back by the server at every start, which refuses others. */
async function storeCheck(config: Config): Promise<Check> {
  const { isPostgres, openReader, shownStore } = await import('../../store/open.ts')
  const shown = shownStore(config.store)
  if (!isPostgres(config.store) && !existsSync(config.store))
    return warn('store', `${shown} is not there yet`, 'The server makes it; run `aegis init`.')
  const store = await openReader(config.store)
  try {
    const head = await store.ledger.head()
    const size = head === null ? 'no entry yet' : `${head.size} entries, log ${head.origin}`
    return ok('store', `${shown}: ${size}`)
  } finally {
    await store.close()
  }
}

/** Every file that holds a secret must be its owner's alone. */
function keyChecks(context: Context, config: Config): readonly Check[] {
  const { installationKey, agentFile, clientFile, socket } = placesOf(context)
  const keys = Object.values(config.credentials).flatMap((credential) => {
    if (credential.type === 'github_app') return [credential.privateKeyFile]
    if (credential.type === 'first_of') return []
    return 'file' in credential.from ? [credential.from.file] : []
  })
  const wanted = [installationKey, agentFile, clientFile, ...keys]
  const files = existsSync(socket) ? [...wanted, socket] : wanted
  return files.map((file) => {
    if (!existsSync(file)) return fail('key', `${file} is missing`, 'Run `aegis init`, or restore the file.')
    const mode = statSync(file).mode & 0o777
    if ((mode & 0o077) === 0) return ok('key', `${file} (${mode.toString(8)})`)
    return fail('key', `${file} can be read by others (${mode.toString(8)})`, `chmod 600 ${file}`)
  })
}

async function serverCheck(context: Context): Promise<Check> {
  if (!(await isHealthy(placesOf(context).socket))) {
    return fail('server', 'none is running', 'Start it with `aegis serve --detach`.')
  }
  const admin = adminEndpoint(context)
  // Nobody is asked for a passphrase only to look.
  const known = admin.key === '' ? 'agent' : 'admin'
  await ask(known === 'admin' ? admin : agentEndpoint(context), 'GET', '/admin/v1/whoami')
  return ok('server', `answers, and knows the ${known} key`)
}

/** What only a running server tells, and only an administrator. */
async function adminChecks(context: Context, { notifications }: Config): Promise<readonly Check[]> {
  try {
    const admin = adminEndpoint(context)
    const keys = admin.key === '' ? null : await expiringKeys(admin, Date.now())
    if (keys === null) return []
    const { slack, webhooks, github } = notifications
    const told = slack !== null || webhooks.length > 0 || github !== 'off'
    return told ? [keys, ...(await notificationChecks(admin, slack?.reviewers ?? {}))] : [keys]
  } catch (error) {
    return [failedBy('keys', error)]
  }
}

async function upstreamCheck(name: string, { route }: UpstreamSettings): Promise<Check> {
  if (route.kind === 'stdio') {
    const missing = route.command.find((word) => word.startsWith('/') && !existsSync(word))
    const forge = route.env['AEGIS_FORGE_URL']
    if (missing !== undefined)
      return fail(name, `${missing} is not there`, 'Mend `command` in aegis.yaml, or install it again.')
    if (forge === undefined) return ok(name, `started for each client: ${route.command.join(' ')}`)
    return (await answers(forge))
      ? ok(name, `local forge at ${forge}: not GitHub, but a stand-in on this machine`)
      : fail(
          name,
          `the local forge does not answer at ${forge}`,
          'It runs with the server: start `aegis serve --detach`.',
        )
  }
  return (await answers(route.url))
    ? ok(name, route.url)
    : fail(name, `nothing answers at ${route.url}`, 'Start that server, or mend `url` in aegis.yaml.')
}

/** Asks what the server asks at the first token. */
async function issuerCheck(name: string, issuer: Config['auth']['issuers'][number]): Promise<Check> {
  const { countKeys } = await import('../../identity/oauth/index.ts')
  const count = await countKeys(issuer)
  if (count > 0) return ok(name, `publishes ${count === 1 ? 'one key' : `${count} keys`}`)
  return fail(name, 'publishes no key that signs', 'Mend `jwks_uri` in aegis.yaml, or the issuer.')
}

/** Asks what the server asks at the first login. */
async function loginCheck(
  { issuer, clientSecretFile }: NonNullable<Config['auth']['login']['provider']>,
  { auth, listen }: Config,
): Promise<Check> {
  const { countKeys, discoverProvider } = await import('../../identity/index.ts')
  if (clientSecretFile !== null) {
    const { readSecretFile } = await import('../../credentials/secret-file.ts')
    readSecretFile(clientSecretFile)
  }
  await discoverProvider(issuer)
  const callback = `${auth.adminUrl ?? listenUrl(listen.host, listen.adminPort)}/login/callback`
  const found = `people log in at ${issuer}, which must know the redirect address ${callback}`
  if ((await countKeys({ issuer, jwksUri: null })) > 0) return ok('login', found)
  return fail('login', `${issuer} publishes no key that signs`, 'Mend `auth.login` in aegis.yaml, or the provider.')
}

/** Does anything speak HTTP there? Whatever the status: an MCP endpoint need not like a GET. */
async function answers(address: string): Promise<boolean> {
  const url = new URL(address)
  const send = url.protocol === 'https:' ? (await import('node:https')).request : request
  return new Promise((resolve) => {
    const outgoing = send(url, { method: 'GET', timeout: 3_000, agent: false }, (response) => {
      response.destroy()
      resolve(true)
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => resolve(false))
    outgoing.end()
  })
}

import { createApprovals } from './approvals/approvals.ts'
import { composeCallers } from './compose/callers.ts'
import { type Closing, createClosing } from './compose/closing.ts'
import { composeDoors, type Doors } from './compose/doors.ts'
import { composeFoundations } from './compose/foundations.ts'
import { composeGithub } from './compose/github.ts'
import { installationKeys } from './compose/installation-keys.ts'
import { composeNotifications } from './compose/notifications.ts'
import { clientSecretOf, composePeople } from './compose/people.ts'
import { composeRooms } from './compose/rooms.ts'
import { startSearch } from './compose/search-thread.ts'
import { composeStanding } from './compose/standing.ts'
import { composeTaint } from './compose/taint.ts'
import { composePins } from './compose/tool-pins.ts'
import type { Config } from './config.ts'
import { createBroker } from './credentials/index.ts'
import { createReviewTaskIds, mcpRoutes, resourceMetadataRoutes } from './entrances/mcp/index.ts'
import { createUpstreams } from './executors/mcp/index.ts'
import { createFactCollector } from './facts/facts.ts'
import { createGateway } from './gateway/gateway.ts'
import { createRecordedRun } from './gateway/recorded-run.ts'
import { createWithdraw } from './gateway/withdrawals.ts'
import { createKeyring } from './identity/index.ts'
import type { Metrics } from './observability/metrics.ts'
import { createOversight } from './oversight/index.ts'
import { createCursors } from './search/index.ts'

/** How often what has run out of time is looked for, in milliseconds. */
const EXPIRY_MS = 5000

/** The parts, introduced to each other. */
export interface Composition extends Doors {
  readonly mcp: ReturnType<typeof mcpRoutes>['routes']
  readonly sse: ReturnType<typeof mcpRoutes>['sse']
  /** Which authorization servers are trusted (RFC 9728), to be mounted at `METADATA_PATH`. */
  readonly resourceMetadata: ReturnType<typeof resourceMetadataRoutes>
  readonly metrics: Metrics
  /** Why nothing would run now, or null where all is well. */
  unready(): Promise<string | null>
  /** Ends streams that would never end by themselves, so that the server can stop. */
  drain(): void
  close(): Promise<void>
}

/**
 * @param urls both planes as this machine reaches them.
 * @throws what opening a part threw; the parts that were open by then are closed again
 */
export async function compose(
  config: Config,
  urls: { readonly mcp: string; readonly admin: string },
  version: string,
): Promise<Composition> {
  const closing = createClosing()
  try {
    return await introduce(config, urls, version, closing)
  } catch (error) {
    // What could not be closed is of less interest than why there was nothing to open.
    await closing.close().catch(() => undefined)
    throw error
  }
}

async function introduce(
  config: Config,
  urls: { readonly mcp: string; readonly admin: string },
  version: string,
  closing: Closing,
): Promise<Composition> {
  const adminUrl = config.auth.adminUrl ?? urls.admin
  const keys = installationKeys(config.places.installationKey)
  const clientSecret = clientSecretOf(config.auth.login)
  const foundations = await composeFoundations(config, closing)
  const { clock, random, log, metrics, stores, gatewayName, evidence, policies, tail, record } = foundations
  const { ledger } = evidence

  const keyring = createKeyring({ store: stores.keys, clock, random })
  const people = composePeople(config, {
    ...{ stores, keys: stores.keys, key: keys.login, clientSecret, adminUrl, clock, random, log },
  })
  closing.add(people.stop)
  const approvals = createApprovals({
    store: stores.approvals,
    clock,
    digestKey: keys.digest,
    standing: composeStanding({
      ...{ keys: stores.keys, delegations: stores.delegations, policies, clock },
      rooms: () => rooms,
    }),
  })
  const broker = createBroker({
    credentials: config.credentials,
    store: stores.revocations,
    sealKey: keys.seal,
    clock,
    random,
    log,
    ended: (end) => ledger.credentialEnded(end),
  })
  closing.add(async () => {
    await broker.drain()
    broker.stop()
  })
  const { pins, stop: stopPins } = await composePins(config.store, stores.pins, { clock, log })
  closing.add(stopPins)
  const { rooms, stop: stopRooms } = await composeRooms(config.store, stores.rooms, { clock, random, log })
  closing.add(stopRooms)
  const upstreams = createUpstreams({
    upstreams: config.upstreams,
    version,
    log,
    clock,
    rule: (question) => gateway.question(question),
  })
  closing.add(upstreams.close)
  const github = composeGithub(config, { broker, clock, random })
  const taint = composeTaint(stores.taint, github.facts.repository, { clock, log })
  closing.add(taint.stop)
  const facts = createFactCollector({
    ...github.facts,
    taint: taint.fact,
    approval: (envelope) => approvals.fact(envelope),
  })
  const policy = () => policies.current()
  const gateway = createGateway({
    policy,
    facts,
    rooms,
    noteRead: taint.noteRead,
    approvals,
    ledger: record,
    broker,
    upstreams,
    standIn: github.standIn,
    pins,
    clock,
    random,
    log,
    metrics,
  })
  const { notifier, doors: told } = composeNotifications(config, {
    store: stores.notifications,
    reader: stores.ledger,
    approval: approvals.get,
    gateway: gatewayName,
    resolver: { resolve: (request) => oversight.resolver.resolve(request) },
    github: { lend: github.lend, key: keys.told },
    ...{ tail, keyring, adminUrl, clock, random, log },
  })
  closing.add(notifier.stop)

  const callers = composeCallers(config, { keyring, clock, log, dataUrl: urls.mcp, refused: metrics.limited })
  const { limiter } = callers
  const search = await startSearch({ store: config.store, key: keys.search, holder: gatewayName }, { clock, log })
  closing.add(search.close)
  const oversight = createOversight({
    ...evidence,
    search,
    cursors: createCursors(keys.cursor),
    reader: stores.ledger,
    record,
    approvals,
    keyring,
    rooms,
    policies,
    upstreamNames: Object.keys(config.upstreams),
    delegations: stores.delegations,
    limiter,
    tail,
    clock,
    random,
    log,
  })
  const { settled } = approvals
  const hosts = config.listen.allowedHosts
  const entrance = mcpRoutes({
    gateway,
    upstreams,
    authenticate: callers.authenticate,
    inForce: callers.inForce,
    limiter,
    challenge: callers.challenge,
    hosts,
    version,
    log,
    clock,
    random,
    adminUrl,
    settled,
    hold: config.hold,
    ...{ roomMode: rooms.mode, toolsChanged: pins.watch },
    reviews: {
      ids: createReviewTaskIds(keys.task),
      approval: approvals.get,
      withdraw: createWithdraw({ approvals, ledger: record, clock, random, log }),
      recorded: createRecordedRun(stores.ledger),
    },
  })
  closing.add(entrance.close)

  metrics.observe({
    ledgerEntries: () => ledger.stats().size,
    ledgerQueue: () => ledger.stats().queued,
    anchorLag: evidence.anchorLag,
    ledgerWritable: () => (ledger.stats().closed === null ? 1 : 0),
    ledgerUnsigned: () => ledger.stats().size - (ledger.checkpoint()?.size ?? 0),
    approvalsPending: () => stores.approvals.pending(),
    credentialsUnrevoked: () => stores.revocations.count(),
    toolsWithheld: () => pins.counts().withheld,
    toolsSuspicious: () => pins.counts().suspicious,
    ...notifier.readings,
  })
  broker.start()
  notifier.start()
  const expiry = setInterval(() => {
    oversight.resolver.expire().catch((error: Error) => log.error({ error: error.message }, 'expiry failed'))
  }, EXPIRY_MS)
  expiry.unref()
  closing.add(() => clearInterval(expiry))

  const doors = composeDoors(config, {
    ...{ oversight, gateway, people, keyring, callers, broker, pins, upstreams, notifier, policy, ledger },
    ...{ open: told, reader: stores.ledger, clock, log, adminUrl, version },
  })
  return {
    mcp: entrance.routes,
    sse: entrance.sse,
    resourceMetadata: resourceMetadataRoutes(callers.metadata, hosts),
    ...doors,
    metrics,
    async unready() {
      const { closed } = ledger.stats()
      const fault = closed ?? (await stores.ledger.health()).fault?.why
      return fault ?? policies.behind()?.message ?? null
    },
    drain() {
      tail.close()
      entrance.close()
    },
    close: closing.close,
  }
}

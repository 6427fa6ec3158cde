import { randomBytes } from 'node:crypto'
import type { AdminContext } from './admin/door.ts'
import { graphqlWing } from './admin/graphql/index.ts'
import { loginDeskRoutes, loginRoutes } from './admin/login.ts'
import { notificationRoutes } from './admin/notifications.ts'
import { openApiWing } from './admin/openapi/index.ts'
import { type AdminWings, adminRoutes } from './admin/rest.ts'
import { createApprovals, type ResolutionChannel } from './approvals/approvals.ts'
import { composeCallers } from './compose/callers.ts'
import { composeDashboard } from './compose/dashboard.ts'
import { composeEvidence } from './compose/evidence.ts'
import { hasEvidenceThread, startEvidenceThread } from './compose/evidence-thread.ts'
import { composeGithub } from './compose/github.ts'
import { installationKeys } from './compose/installation-keys.ts'
import { composeNotifications } from './compose/notifications.ts'
import { clientSecretOf, composePeople } from './compose/people.ts'
import { composePolicies } from './compose/policies.ts'
import { composeRooms } from './compose/rooms.ts'
import { startSearch } from './compose/search-thread.ts'
import { composeStanding } from './compose/standing.ts'
import { systemClock, systemRandom } from './compose/system.ts'
import { composeTaint } from './compose/taint.ts'
import { composePins } from './compose/tool-pins.ts'
import { namingUpstreams } from './config/naming-upstreams.ts'
import type { Config } from './config.ts'
import type { Clock } from './core/runtime.ts'
import { createBroker } from './credentials/index.ts'
import { createReviewTaskIds, mcpRoutes, resourceMetadataRoutes } from './entrances/mcp/index.ts'
import { createUpstreams } from './executors/mcp/index.ts'
import { createFactCollector } from './facts/facts.ts'
import { createGateway } from './gateway/gateway.ts'
import { createRecordedRun } from './gateway/recorded-run.ts'
import { createWithdraw } from './gateway/withdrawals.ts'
import { createKeyring } from './identity/index.ts'
import type { Ledger } from './ledger/draft.ts'
import { createTail, type Tail } from './ledger/tail.ts'
import { createLog } from './observability/log.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { createOversight } from './oversight/index.ts'
import { createLoginDesk } from './oversight/logins.ts'
import { createNotificationDesk } from './oversight/notifications.ts'
import { openPolicySet } from './policy-set/index.ts'
import { createCursors } from './search/index.ts'
import { openStores } from './store/open.ts'

/** How often what has run out of time is looked for, in milliseconds. */
const EXPIRY_MS = 5000

/** The parts, introduced to each other. */
export interface Composition {
  readonly mcp: ReturnType<typeof mcpRoutes>['routes']
  readonly sse: ReturnType<typeof mcpRoutes>['sse']
  /** Which authorization servers are trusted (RFC 9728), to be mounted at `METADATA_PATH`. */
  readonly resourceMetadata: ReturnType<typeof resourceMetadataRoutes>
  admin(via: (context: AdminContext) => ResolutionChannel): ReturnType<typeof adminRoutes>
  /** The same for a door that people log in at: the only one where cookies count. */
  adminForBrowsers(via: (context: AdminContext) => ResolutionChannel): ReturnType<typeof adminRoutes>
  readonly metrics: Metrics
  /** Why nothing would run now, or null where all is well. */
  unready(): Promise<string | null>
  /** Ends streams that would never end by themselves, so that the server can stop. */
  drain(): void
  close(): Promise<void>
}

/** @param urls both planes as this machine reaches them. */
export async function compose(
  config: Config,
  urls: { readonly mcp: string; readonly admin: string },
  version: string,
): Promise<Composition> {
  const adminUrl = config.auth.adminUrl ?? urls.admin
  const clock = systemClock()
  const random = systemRandom()
  const keys = installationKeys(config.places.installationKey)
  const clientSecret = clientSecretOf(config.auth.login)
  const log = createLog({ to: { descriptor: 1 }, clock })
  const metrics = createMetrics({ process: true })
  const naming = namingUpstreams(config.upstreams)
  const policyFiles = await openPolicySet({ sources: config.policies, upstreams: naming, log })
  const stores = await openStores(config.store)
  const gatewayName = `gw-${randomBytes(4).toString('hex')}`
  const around = { clock, random, log, gateway: gatewayName }
  const evidence = hasEvidenceThread()
    ? await startEvidenceThread(config, gatewayName, log)
    : await composeEvidence(config, stores.ledger, around)
  const { ledger } = evidence
  const policies = await composePolicies(config, {
    disk: policyFiles,
    store: stores.policyVersions,
    ...{ ledger, reader: stores.ledger, clock, log },
  })

  const keyring = createKeyring({ store: stores.keys, clock, random })
  const people = composePeople(config, {
    ...{ stores, keys: stores.keys, key: keys.login, clientSecret, adminUrl, clock, random, log },
  })
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
  const { pins, stop: stopPins } = await composePins(config.store, stores.pins, { clock, log })
  const { rooms, stop: stopRooms } = await composeRooms(config.store, stores.rooms, { clock, random, log })
  const upstreams = createUpstreams({
    upstreams: config.upstreams,
    version,
    log,
    clock,
    rule: (question) => gateway.question(question),
  })
  const github = composeGithub(config, { broker, clock, random })
  const taint = composeTaint(stores.taint, github.facts.repository, { clock, log })
  const facts = createFactCollector({
    ...github.facts,
    taint: taint.fact,
    approval: (envelope) => approvals.fact(envelope),
  })
  const policy = () => policies.current()
  const tail = createTail(stores.ledger)
  const measured = measuredLedger(ledger, metrics, clock, tail)
  const gateway = createGateway({
    policy,
    facts,
    rooms,
    noteRead: taint.noteRead,
    approvals,
    ledger: measured,
    broker,
    upstreams,
    standIn: github.standIn,
    pins,
    clock,
    random,
    log,
    metrics,
  })
  const { notifier, doors } = composeNotifications(config, {
    store: stores.notifications,
    reader: stores.ledger,
    approval: approvals.get,
    gateway: gatewayName,
    resolver: { resolve: (request) => oversight.resolver.resolve(request) },
    github: { lend: github.lend, key: keys.told },
    ...{ tail, keyring, adminUrl, clock, random, log },
  })

  const callers = composeCallers(config, { keyring, clock, log, dataUrl: urls.mcp, refused: metrics.limited })
  const { limiter } = callers
  const search = await startSearch({ store: config.store, key: keys.search, holder: gatewayName }, { clock, log })
  const oversight = createOversight({
    ...evidence,
    search,
    cursors: createCursors(keys.cursor),
    reader: stores.ledger,
    record: measured,
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
      withdraw: createWithdraw({ approvals, ledger: measured, clock, random, log }),
      recorded: createRecordedRun(stores.ledger),
    },
  })

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

  const parts = {
    ...oversight,
    gateway,
    credentials: broker,
    pins,
    upstreams,
    ledger,
    reader: stores.ledger,
    policy,
    authenticate: callers.byKey,
    inForce: callers.inForce,
    limiter,
    clock,
    log,
    adminUrl,
  }
  const notifications = createNotificationDesk(notifier)
  const wings: AdminWings = {
    open: doors,
    keyed: [notificationRoutes(notifications), graphqlWing(parts), openApiWing({ adminUrl, version })],
  }
  const { sessions } = people
  const browserWings: AdminWings = {
    open: [
      loginRoutes({ ...people, keyring, adminUrl, clock, log }),
      composeDashboard(config, { oversight, notifications, keeping: { ...parts, sessions }, clock, log }),
      ...wings.open,
    ],
    keyed: [loginDeskRoutes(createLoginDesk(sessions)), ...wings.keyed],
  }
  return {
    mcp: entrance.routes,
    sse: entrance.sse,
    resourceMetadata: resourceMetadataRoutes(callers.metadata, hosts),
    admin: (via) => adminRoutes({ ...parts, sessions: null }, via, wings),
    adminForBrowsers: (via) => adminRoutes({ ...parts, sessions }, via, browserWings),
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
    async close() {
      clearInterval(expiry)
      stopPins()
      taint.stop()
      stopRooms()
      people.stop()
      await notifier.stop()
      await search.close()
      tail.close()
      await entrance.close()
      await upstreams.close()
      await broker.drain()
      broker.stop()
      policies.close()
      policyFiles.close()
      await evidence.close()
      await stores.close()
      log.close()
    },
  }
}

/** Measures, and tells who follows the log that it has grown. */
function measuredLedger(ledger: Ledger, metrics: Metrics, clock: Clock, tail: Pick<Tail, 'wake'>): Ledger {
  return {
    async append(draft) {
      const start = clock.elapsed()
      const entry = await ledger.append(draft)
      metrics.appended(1, (clock.elapsed() - start) / 1000)
      tail.wake()
      return entry
    },
  }
}

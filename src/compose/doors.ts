import type { AdminContext } from '../admin/door.ts'
import { graphqlWing } from '../admin/graphql/index.ts'
import { loginDeskRoutes, loginRoutes } from '../admin/login.ts'
import { notificationRoutes } from '../admin/notifications.ts'
import { openApiWing } from '../admin/openapi/index.ts'
import { type AdminParts, type AdminWing, type AdminWings, adminRoutes } from '../admin/rest.ts'
import type { ResolutionChannel } from '../approvals/approvals.ts'
import type { Config } from '../config.ts'
import type { Overview } from '../credentials/index.ts'
import type { Keyring } from '../identity/index.ts'
import type { Notifier } from '../notifications/index.ts'
import type { Oversight } from '../oversight/index.ts'
import { createLoginDesk } from '../oversight/logins.ts'
import { createNotificationDesk } from '../oversight/notifications.ts'
import type { Callers } from './callers.ts'
import { composeDashboard } from './dashboard.ts'
import type { People } from './people.ts'

/** The admin plane, as it is reached. `via` is how requests through a door reached us. */
export interface Doors {
  admin(via: (context: AdminContext) => ResolutionChannel): ReturnType<typeof adminRoutes>
  /** The same for a door that people log in at: the only one where cookies count. */
  adminForBrowsers(via: (context: AdminContext) => ResolutionChannel): ReturnType<typeof adminRoutes>
}

type Rest = Pick<AdminParts, 'gateway' | 'pins' | 'upstreams' | 'ledger' | 'reader' | 'policy' | 'log' | 'adminUrl'>

export function composeDoors(
  config: Config,
  given: Rest & {
    readonly oversight: Oversight
    readonly people: People
    readonly keyring: Keyring
    readonly callers: Callers
    readonly broker: Overview
    readonly notifier: Notifier
    /** What asks for who calls in its own way, such as the callbacks of those who are told. */
    readonly open: readonly AdminWing[]
    readonly clock: AdminParts['clock'] & Parameters<typeof loginRoutes>[0]['clock']
    readonly version: string
  },
): Doors {
  const { oversight, people, keyring, callers, broker, notifier, open, version, ...rest } = given
  const { adminUrl, clock, log } = rest
  const { sessions } = people
  const { byKey: authenticate, inForce, limiter } = callers
  const parts = { ...oversight, ...rest, credentials: broker, authenticate, inForce, limiter }
  const notifications = createNotificationDesk(notifier)
  const wings: AdminWings = {
    open,
    keyed: [notificationRoutes(notifications), graphqlWing(parts), openApiWing({ adminUrl, version })],
  }
  const browserWings: AdminWings = {
    open: [
      loginRoutes({ ...people, keyring, adminUrl, clock, log }),
      composeDashboard(config, { oversight, notifications, keeping: { ...parts, sessions }, clock, log }),
      ...wings.open,
    ],
    keyed: [loginDeskRoutes(createLoginDesk(sessions)), ...wings.keyed],
  }
  return {
    admin: (via) => adminRoutes({ ...parts, sessions: null }, via, wings),
    adminForBrowsers: (via) => adminRoutes({ ...parts, sessions }, via, browserWings),
  }
}

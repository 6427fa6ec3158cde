export { type Broker, type BrokerParts, type CredentialConfig, createBroker, type FirstOf } from './broker.ts'
export type { Overview } from './overview.ts'
export type { Credential, CredentialBroker, GrantRequest, PendingRevocation, RevocationStore } from './ports.ts'
export { type Needs, type Permissions, permissionsFor, scopeText } from './scope.ts'

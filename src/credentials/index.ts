export { type Broker, type BrokerParts, type CredentialConfig, createBroker } from './broker.ts'
export type { Credential, CredentialBroker, GrantRequest, PendingRevocation, RevocationStore } from './ports.ts'
export { type Permissions, permissionsFor, scopeText } from './scope.ts'

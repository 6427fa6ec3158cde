export { bearerFrom, isKeyText } from './bearer.ts'
export { createKeyring, demandChosen, hasRole, type KeyRequest, type Keyring } from './keyring.ts'
export type { KeyRecord, KeyStore } from './ports.ts'
export { createSelfCheck, isSelf, type Requested } from './self-approval.ts'

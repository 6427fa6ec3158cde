export { bearerFrom, isKeyText } from './bearer.ts'
export { createKeyring, demandChosen, hasRole, type KeyRequest, type Keyring } from './keyring.ts'
export {
  createLimiter,
  DEFAULT_LIMITS,
  LIMIT_KINDS,
  type Limiter,
  type LimitKind,
  type Limits,
  type Slot,
} from './limiter.ts'
export { createResources, createTokenAuthenticator, METADATA_PATH, type Resources } from './oauth/index.ts'
export type { KeyRecord, KeyStore } from './ports.ts'
export { createSelfCheck, isSelf, type Requested } from './self-approval.ts'

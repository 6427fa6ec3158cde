export { bearerFrom, isKeyText } from './bearer.ts'
export { createKeyring, hasRole, type Keyring, type Rotation } from './keyring.ts'
export {
  createLimiter,
  DEFAULT_LIMITS,
  LIMIT_KINDS,
  type Limiter,
  type LimitKind,
  type Limits,
  type Slot,
} from './limiter.ts'
export { demandChosen, type KeyRequest, type NewKey } from './new-key.ts'
export { countKeys, createResources, createTokenAuthenticator, METADATA_PATH, type Resources } from './oauth/index.ts'
export {
  cameByOtherLoopbackName,
  createCookies,
  createLogin,
  createSessions,
  DEFAULT_LOGIN,
  demandCsrf,
  demandOwnPage,
  discoverProvider,
  type Ending,
  type Login,
  LoginRefusal,
  type LoginSession,
  type LoginSettings,
  type LoginStore,
  localPath,
  PERSON_ROLES,
  type ProviderSettings,
  type RoleRule,
  type SessionInfo,
  type Sessions,
  type Visitor,
} from './people/index.ts'
export { type KeyRecord, type KeyState, type KeyStore, keyState } from './ports.ts'
export { createSelfCheck, isSelf, type Requested } from './self-approval.ts'

export { createTokenAuthenticator, type TokenAuthenticator } from './authenticator.ts'
export { countKeys } from './key-set.ts'
export { createResources, METADATA_PATH, type Resources } from './resource.ts'
export {
  ALGORITHMS,
  type Algorithm,
  type IssuerSettings,
  isIssuerAddress,
  isKeyAddress,
  TOKEN_TYPES,
  type TokenType,
} from './settings.ts'

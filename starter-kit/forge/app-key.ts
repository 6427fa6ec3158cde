import { generateKeyPairSync } from 'node:crypto'

export interface AppKey {
  /** PKCS#8. */
  readonly privateKeyPem: string
  readonly publicKeyPem: string
}

/** A key pair for the local App: the forge gets the public half, the credential broker the private one. */
export function createAppKey(): AppKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return { privateKeyPem: privateKey, publicKeyPem: publicKey }
}

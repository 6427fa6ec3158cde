import { errors } from 'jose'

/** What is wrong with a token that `jose` refused, for the people who set it up; it quotes nothing of the token. */
export function tokenFault(error: unknown): string {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'it was issued too long ago' : 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return claimFault(error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong'
  if (error instanceof errors.JWKSNoMatchingKey) return 'its issuer has no such key'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'it does not say which key of its issuer signed it'
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'its signature algorithm is not accepted'
  }
  return 'it is malformed'
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (claim === 'nbf') return 'it is not valid yet'
  if (reason === 'missing') return `its \`${claim}\` is missing`
  return claim === 'iat' ? 'it was issued in the future' : `its \`${claim}\` is not the one expected`
}

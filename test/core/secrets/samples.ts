import { githubChecksum } from '../../../src/core/secrets/github-checksum.ts'

/** Made up, and put together here, so that no file holds anything that looks like a live secret. */
const RANDOM = ['a8Kd02LmQz7Xw4R', 'tYb9VcNfPsHjGuE'].join('')

/** A token whose checksum holds. */
export const github = (letter: string) => ['gh', letter, '_', RANDOM, githubChecksum(RANDOM)].join('')
export const CLASSIC = github('p')
/** The same with another last character. */
export const OLD_CHECKSUM = `${CLASSIC.slice(0, -1)}${CLASSIC.endsWith('a') ? 'b' : 'a'}`
export const FINE_GRAINED = ['github', 'pat', '11BQZKWMY0a8Kd02LmQz7X', `${RANDOM}${RANDOM.slice(1)}`].join('_')
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** GitHub's form since April 2026: `ghs_<App id>_<JWT>`. */
export const APP_JWT = `ghs_1234567_${base64({ alg: 'RS256', typ: 'JWT' })}.${base64({ iss: 'github', installation: 7 })}.${RANDOM.repeat(5)}`
export const AWS_ID = ['AKIA', 'J5XQ7Z2WMT3KDR6P'].join('')
export const AWS_SECRET = ['wJ4lrXUt9FEMI/K7MDENG', 'bPxRfiCYzq3VTKa0Lhs'].join('+').slice(0, 40)
export const GENERIC = 'h7Gk2pQ9zX4mV8nB3cL6'
const BODY = 'MIIEpAIBAAKCAQEAx7qk2n0VYpWcLJ5mDf8sT3aBgHrU9eZoKiMjXlNbQwRvCtSy'
export const pem = (kind: string, newline = '\n') =>
  [`-----BEGIN ${kind}PRIVATE KEY-----`, BODY, BODY.toLowerCase(), `-----END ${kind}PRIVATE KEY-----`].join(newline)

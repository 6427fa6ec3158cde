const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CHECKSUM_LENGTH = 6
const RANDOM_LENGTH = 30

/**
 * Whether a token of GitHub (what follows its prefix) carries its checksum: the last six characters are the CRC-32 of the
 * thirty before them in base 62. Source: "Behind GitHub's new authentication token formats", 2021.
 */
export function hasGithubChecksum(body: string): boolean {
  const random = body.slice(0, RANDOM_LENGTH)
  return body.slice(RANDOM_LENGTH, RANDOM_LENGTH + CHECKSUM_LENGTH) === githubChecksum(random)
}

/** The six characters that GitHub puts behind the random part of a token. */
export function githubChecksum(random: string): string {
  let rest = crc32(random)
  let text = ''
  while (rest > 0) {
    text = (ALPHABET[rest % ALPHABET.length] ?? '') + text
    rest = Math.floor(rest / ALPHABET.length)
  }
  return text.padStart(CHECKSUM_LENGTH, '0')
}

/** CRC-32 as in ISO 3309, of ASCII. Node's own (`zlib.crc32`) is missing in 20. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

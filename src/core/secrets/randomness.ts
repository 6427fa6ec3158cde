/** Shannon's entropy of the text's characters, in bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

const PLACEHOLDER = /example|placeholder|changeme|change[_-]me|dummy|redacted|insert|your[_-]|(.)\1{4}|1234567|abcdefg/i

/** True where the text reads like one that somebody wrote to show what a secret looks like. */
export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text)
}

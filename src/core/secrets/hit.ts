/** `proven`: its checksum or structure holds. `shape`: it looks like nothing else. `generic`: a name and a random value. */
export type SecretConfidence = 'proven' | 'shape' | 'generic'

/** A secret in a text, by its place alone: the value itself is never carried along. */
export interface SecretHit {
  /** `github-classic-pat`: stable, for lists and settings. */
  readonly type: string
  /** `a GitHub personal access token`: for a sentence. */
  readonly label: string
  readonly confidence: SecretConfidence
  /** Where it begins in the text that was scanned, in UTF-16 units; of encoded text, where its code begins. */
  readonly offset: number
  readonly length: number
}

import type { Mutant } from './mutants.ts'

/**
 * Checks that change no verdict when they are gone, and why they are there. Each is known by its file and the beginning of what was
 * removed.
 */
const HARMLESS: readonly { readonly file: string; readonly removed: readonly string[]; readonly why: string }[] = [
  {
    file: 'verify/bundle-proofs',
    removed: ['(known !== undefined)'],
    why: 'opens a note once, however many proofs share it',
  },
  {
    file: 'verify/bundle-proofs',
    removed: [' && key.name === line', ' && key.id === line'],
    why: 'lines of nobody who is pinned are left out again when the note is opened',
  },
  {
    file: 'format/erasure-claim',
    removed: [' || words === null', ' || session === undefined'],
    why: 'what is missing equals no log and no session',
  },
  {
    file: 'audit/head-row',
    removed: [' && isObject(actor)'],
    why: 'for the type checker: no body is without an actor',
  },
  {
    file: 'verify/json-outline',
    removed: ['(code === 0x7b', '(depth > deepest)', ' || code === 0x5b', ' || code === 0x5d'],
    why: 'what is nested too deep is refused for its shape as well, after memory was spent on it',
  },
  {
    file: 'verify/read-bundle',
    removed: ['(text.length > MAX_BUNDLE_BYTES)', '(depth > MAX_DEPTH)'],
    why: 'bounds the memory that a stranger may ask for',
  },
  {
    file: 'format/manifest',
    removed: [" || typeof session !== 'string'"],
    why: 'what is no text is no name of a session',
  },
  {
    file: 'format/opening',
    removed: ['(salt.length > BLOCK)'],
    why: 'for who makes commitments: `opens` asks for 32 bytes',
  },
  {
    file: 'verify/session-verifier',
    removed: [' && sound'],
    why: 'an altered body of an unknown version is tampered either way',
  },
  {
    file: 'audit/verify-stored',
    removed: [' && manifest.n !== null', ' && first === null'],
    why: 'a place that every stored manifest has; tells of the first entry alone',
  },
  {
    file: 'audit/signed-tree',
    removed: ['(hashes.length !== Math.min('],
    why: 'a block that lacks hashes has another root',
  },
  {
    file: 'audit/signed-tree',
    removed: ['(index === at)', ' || vouched.checkpoint.size >= bad'],
    why: 'reads a block once; does not hash the log again for a checkpoint that is known to be false',
  },
  {
    file: 'audit/signed-tree',
    removed: [" && error.code === 'evidence_unavailable'"],
    why: 'what else a store may throw is no verdict, and goes to whoever asked',
  },
  { file: 'audit/verify-log', removed: ['(next % PROGRESS_ROWS === 0)'], why: 'prints how far it is' },
  {
    file: 'merkle/verify-proof',
    removed: [' && risen.at !== 0'],
    why: 'ends, whatever the place: who asks has looked before that it is not the root',
  },
  {
    file: 'notes/checkpoint',
    removed: ['(readCheckpoint(text) === null)', ' || !ORIGIN.test(origin)'],
    why: 'for who signs; the verifier compares the origin with the name of the log',
  },
  {
    file: 'notes/note',
    removed: ["(typeof parsed === 'string')", '(!note.isWellFormed())', '(CONTROL.test(note))'],
    why: 'for other notes than checkpoints, whose every part is such text',
  },
  {
    file: 'notes/tlog-proof',
    removed: [' && encoded.length <= MAX_HASHES'],
    why: 'no tree is as high: it is refused later',
  },
  { file: 'notes/trust-policy', removed: ['(to !== null)'], why: 'how a policy is written' },
  {
    file: 'notes/vkey',
    removed: ['(!isKeyName(name))', '(publicKey.length !== PUBLIC_KEY_BYTES)'],
    why: 'for who makes keys: of what is read both were asked before',
  },
  { file: 'verify/testimony', removed: ['(isAscii(bytes))'], why: 'ASCII needs no decoder, which takes longer' },
  { file: 'verify/report', removed: [' && { ...report.trust.checkpoint }'], why: 'how a verdict is printed' },
]

export function isHarmless({ file, removed }: Mutant): boolean {
  return HARMLESS.some(
    (one) => file === `ledger/${one.file}.js` && one.removed.some((text) => removed.startsWith(text)),
  )
}

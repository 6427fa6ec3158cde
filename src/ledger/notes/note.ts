import { verify } from 'node:crypto'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { cosignedMessage, splitCosignature } from './cosignature.ts'
import { isKeyName, type VerifierKey } from './vkey.ts'

/** Bounds on hostile input: sixteen post-quantum signatures must fit (c2sp.org/signed-note), a flood must not. */
const MAX_NOTE_CHARS = 128 * 1024
const MAX_SIGNATURES = 100

const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** A signature line: em dash, key name, base64 of key id and signature. Says which key it claims, proves nothing. */
export interface SignatureLine {
  readonly name: string
  /** 8 lower-case hex digits. */
  readonly id: string
  readonly signature: Uint8Array
}

export interface VerifiedSignature extends SignatureLine {
  readonly key: VerifierKey
  /** When a witness saw it, seconds since the epoch, its own claim; null where a log signed. */
  readonly time: number | null
}

export interface ParsedNote {
  /** Ends with a line feed. */
  readonly text: string
  readonly lines: readonly SignatureLine[]
}

/** Why a note may not be believed: a known key's bad signature, none by a known key, no signature at all, no note at all. */
export type NoteFault = 'bad_signature' | 'unknown_key' | 'unsigned' | 'malformed'

/**
 * What a note is worth given the keys one trusts; only then may its text be believed. `signatures` holds a key at most once, so
 * that they can be counted; `unknown` are lines of other keys, which say nothing either way.
 */
export type OpenedNote =
  | {
      readonly ok: true
      readonly text: string
      readonly signatures: readonly VerifiedSignature[]
      readonly unknown: readonly SignatureLine[]
    }
  | {
      readonly ok: false
      readonly fault: NoteFault
      /** In words, without anything of the note's text. */
      readonly reason: string
    }

/** Opens a signed note (c2sp.org/signed-note). A known key with a bad signature rejects the note, whoever else signed it. Total. */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') return refused('malformed', parsed)
  const { text, lines } = parsed
  if (lines.length === 0) return refused('unsigned', 'it has no signature line')
  const signatures: VerifiedSignature[] = []
  const unknown: SignatureLine[] = []
  for (const line of lines) {
    const claimed = keys.filter((key) => key.name === line.name && key.id === line.id)
    if (claimed.length === 0) {
      unknown.push(line)
      continue
    }
    const verified = verifyLine(text, line, claimed)
    if (verified === null) return refused('bad_signature', `the signature of ${line.name}+${line.id} does not verify`)
    if (!signatures.some(({ key }) => key.vkey === verified.key.vkey)) signatures.push(verified)
  }
  if (signatures.length === 0) return refused('unknown_key', `none of its ${lines.length} signatures is by a known key`)
  return { ok: true, text, signatures, unknown }
}

function refused(fault: NoteFault, reason: string): OpenedNote {
  return { ok: false, fault, reason }
}

function verifyLine(text: string, line: SignatureLine, claimed: readonly VerifierKey[]): VerifiedSignature | null {
  for (const key of claimed) {
    const time = signedAt(text, line.signature, key)
    if (time !== false) return { ...line, key, time }
  }
  return null
}

/** The time of a witness's good signature, null for a log's good one, false for a bad one. */
function signedAt(text: string, signature: Uint8Array, { kind, key }: VerifierKey): number | null | false {
  if (kind === 'ed25519') return verify(null, Buffer.from(text), key, signature) ? null : false
  const parts = splitCosignature(signature)
  if (parts === null) return false
  return verify(null, cosignedMessage(text, parts.time), key, parts.signature) ? parts.time : false
}

/** The note's parts, or in words why it is none. A text with no signature lines at all is given back with none. */
export function parseNote(note: string): ParsedNote | string {
  if (note.length > MAX_NOTE_CHARS) return `longer than ${MAX_NOTE_CHARS} characters`
  if (!note.isWellFormed()) return 'not Unicode text'
  if (CONTROL.test(note)) return 'holds a control character'
  if (!note.endsWith('\n')) return 'does not end with a line feed'
  const split = note.lastIndexOf('\n\n')
  if (split < 0) return { text: note, lines: [] }
  const text = note.slice(0, split + 1)
  const block = note.slice(split + 2, -1)
  return block === '' ? { text, lines: [] } : parseBlock(text, block)
}

function parseBlock(text: string, block: string): ParsedNote | string {
  const texts = block.split('\n', MAX_SIGNATURES + 1)
  if (texts.length > MAX_SIGNATURES) return `more than ${MAX_SIGNATURES} signatures`
  const lines: SignatureLine[] = []
  for (const [at, lineText] of texts.entries()) {
    const line = parseSignatureLine(lineText)
    if (line === null) return `signature line ${at + 1} is malformed`
    lines.push(line)
  }
  return { text, lines }
}

/** Without its line feed; null for what is no signature line. */
export function parseSignatureLine(text: string): SignatureLine | null {
  const [dash, name = '', encoded = '', ...more] = text.split(' ', 4)
  if (dash !== '—' || more.length > 0 || !isKeyName(name)) return null
  const bytes = decodeBase64(encoded)
  if (bytes === null || bytes.length < 5) return null
  return { name, id: Buffer.from(bytes.subarray(0, 4)).toString('hex'), signature: bytes.subarray(4) }
}

/** Without its line feed. */
export function formatSignatureLine({ name, id, signature }: SignatureLine): string {
  return `— ${name} ${encodeBase64(Buffer.concat([Buffer.from(id, 'hex'), signature]))}`
}

import { hiddenCharacter } from './visible-text.ts'

/** A path as policy globs see it, and why it cannot be trusted to be that path (null: it can). */
export interface PathReading {
  readonly path: string
  readonly doubt: string | null
}

/** Aliases of other files (`/proc/self/root/etc/shadow`): what is read through them cannot be told from the name. */
const ALIAS_PATH = /^\/(?:proc|dev\/fd|dev\/tcp|dev\/udp)(?:\/|$)/
/** Linux's PATH_MAX. */
const MAX_PATH = 4096

/**
 * Normalises a path for matching: NFC, no `./`, no `//`, no trailing `/`. What would need the file system (`..`) or
 * another system's rules (`\`) is kept as written and doubted. Never resolves links.
 */
export function readPath(text: string): PathReading {
  if (text.length > MAX_PATH)
    return { path: text.slice(0, MAX_PATH), doubt: `a path is longer than ${MAX_PATH} characters` }
  const composed = text.normalize('NFC')
  const path = tidy(composed)
  const alias = ALIAS_PATH.test(path) ? `${excerpt(path)} stands for something else` : null
  return { path, doubt: pathDoubt(composed) ?? alias }
}

function tidy(text: string): string {
  if (/^[^/.][^/]*(?:\/[^/.][^/]*)*$/.test(text)) return text
  const rooted = text.startsWith('/')
  const segments = text.split('/').filter((segment) => segment !== '' && segment !== '.')
  const joined = (rooted ? '/' : '') + segments.join('/')
  return joined === '' ? '.' : joined
}

function pathDoubt(text: string): string | null {
  if (text === '') return 'an empty path'
  const hidden = hiddenCharacter(text)
  if (hidden !== null) return `a path holds the hidden character ${hidden}`
  const shown = excerpt(text)
  if (text.includes('\\')) return `the path ${shown} holds a backslash`
  for (const segment of text.split('/')) {
    if (segment === '..') return `the path ${shown} climbs with ".."`
  }
  return null
}

/** Agent-controlled text quoted for a reason: one line, at most 80 characters, hidden characters shown by code point. */
export function excerpt(text: string): string {
  let shown = ''
  for (const character of text) {
    const hidden = hiddenCharacter(character)
    shown += hidden === null ? character : `<${hidden}>`
    if (shown.length > 80) return JSON.stringify(`${shown.slice(0, 77)}...`)
  }
  return JSON.stringify(shown)
}

import type { JsonObject } from '../../core/json.ts'
import { codePoint, showHidden } from '../../core/visible-text.ts'
import type { Phrase } from '../../oversight/phrase.ts'

/** Longest text of others in one place, in characters: a message may have 3,000 in a text and 50 blocks. */
const SAID_LIMIT = 600

/** A part of a line in Slack's rich text. Its structure is the tree; no text in it is parsed. */
export type Piece = JsonObject

/** Words of ours. */
export function words(text: string, style?: 'bold' | 'italic'): Piece {
  return { type: 'text', text, ...(style === undefined ? {} : { style: { [style]: true } }) }
}

/**
 * What an agent, a reviewer or a repository wrote: as code, in which Slack looks for no link, emoji or mention, and with hidden
 * characters written out.
 */
export function said(text: string): Piece {
  const shown = [...showHidden(text, (character) => `<${codePoint(character)}>`)]
  const cut = shown.length > SAID_LIMIT ? `${shown.slice(0, SAID_LIMIT).join('')}…` : shown.join('')
  return { type: 'text', text: cut === '' ? ' ' : cut, style: { code: true } }
}

/** A moment, shown in the reader's own time. */
export function moment(milliseconds: number): Piece {
  const fallback = new Date(milliseconds).toISOString()
  return { type: 'date', timestamp: Math.floor(milliseconds / 1000), format: '{date_short_pretty} {time}', fallback }
}

export function pieces(sentence: Phrase): readonly Piece[] {
  return sentence.map((piece) => (typeof piece === 'string' ? words(piece, 'bold') : said(piece.said)))
}

/** A block of lines. */
export function lines(...all: readonly (readonly Piece[])[]): JsonObject {
  const elements = all.map((line, index) => ({
    type: 'rich_text_section',
    elements: index === all.length - 1 ? [...line] : [...line, words('\n')],
  }))
  return { type: 'rich_text', elements }
}

export function header(text: string): JsonObject {
  return { type: 'header', text: plain(text) }
}

/** Words of ours only: what others wrote goes into rich text. */
export function plain(text: string): JsonObject {
  return { type: 'plain_text', text, emoji: false }
}

/** For the one text that Slack does parse, the notification's. Source: Slack, "Formatting text": these three characters alone. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

import type { Json } from '../core/json.ts'
import { codePoint, showHidden } from '../core/visible-text.ts'

export const FORMATS = ['table', 'json', 'csv'] as const
export type Format = (typeof FORMATS)[number]

export interface Column<Row> {
  readonly title: string
  value(row: Row): string
}

/**
 * Text fit for a terminal: what could move the cursor, recolour, reorder or hide text is shown as its code point.
 * Tool names, targets and comments come from agents, and a reviewer decides by what the screen shows.
 */
export function visible(text: string): string {
  return showHidden(text, (hidden) => `<${codePoint(hidden)}>`)
}

/** Indented JSON in which the same characters stand as `\uXXXX`, so that it parses to exactly what it was. */
export function jsonText(value: Json): string {
  const text = JSON.stringify(value, null, 2)
  return `${showHidden(text, (hidden) => (hidden === '\n' ? hidden : escaped(hidden)))}\n`
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }).join('')
}

/** A list in the format asked for. `raw` is what JSON shows: the server's own rows. */
export function list<Row extends Json>(rows: readonly Row[], columns: readonly Column<Row>[], format: Format): string {
  if (format === 'json') return jsonText([...rows])
  const cells = rows.map((row) => columns.map((column) => visible(column.value(row))))
  const titles = columns.map((column) => column.title)
  return format === 'csv' ? csv([titles, ...cells]) : table(titles, cells)
}

/** RFC 4180, with cells that a spreadsheet would run as a formula defused. */
function csv(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `${line.map(csvCell).join(',')}\r\n`).join('')
}

function csvCell(text: string): string {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const WIDEST = 72

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, ...rows].map((row) => row.map((cell) => shorten(cell)))
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function shorten(cell: string): string {
  return cell.length <= WIDEST ? cell : `${cell.slice(0, WIDEST - 1)}…`
}

import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { replayWire } from '../admin/policy-wire.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { bundledPolicies, findPolicy } from '../policy-set/index.ts'
import { adminEndpoint, ask } from './client.ts'
import { type Context, processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { replayAtServer } from './policy-replay.ts'
import { reportText } from './replay-report.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'VERSION', value: (row) => `${String(row['version'])}${row['in_force'] === true ? ' *' : ''}` },
  { title: 'SINCE', value: (row) => textMember(row, 'at') ?? '' },
  { title: 'CAUSE', value: causeOf },
  { title: 'BY', value: byOf },
  { title: 'POLICIES', value: (row) => (Array.isArray(row['names']) ? row['names'].join(' + ') : '') },
  { title: 'SHA-256', value: (row) => (textMember(row, 'sha256') ?? '').slice(0, 12) },
]

function causeOf(row: JsonObject): string {
  const of = row['of']
  return `${textMember(row, 'cause') ?? ''}${typeof of === 'number' ? ` to ${of}` : ''}`
}

function byOf(row: JsonObject): string {
  const by = row['by']
  return isObject(by) ? `${textMember(by, 'name') ?? ''} (${textMember(by, 'principal') ?? ''})` : ''
}

/** The versions, newest first, the one in force with a star; with a number its texts. */
export async function history(number: string | undefined, options: ListOptions & { limit: string }): Promise<void> {
  const context = processContext()
  const format = formatOf(options)
  const endpoint = adminEndpoint(context)
  if (number !== undefined) {
    const version = await ask(endpoint, 'GET', `/admin/v1/policies/versions/${versionNumber(number)}`)
    return context.out(format === 'json' || !isObject(version) ? jsonText(version) : textsOf(version))
  }
  const answer = await ask(endpoint, 'GET', `/admin/v1/policies/versions?limit=${limitOf(options.limit)}`)
  if (format === 'json') return context.out(jsonText(answer))
  const versions = isObject(answer) ? (answer['versions'] ?? []) : []
  context.out(list(rowsOf(versions), COLUMNS, format))
  const refused = isObject(answer) ? answer['refused'] : null
  if (isObject(refused)) context.out(`\nnot in force: ${visible(textMember(refused, 'message') ?? '')}\n`)
}

function textsOf(version: JsonObject): string {
  const head = `version ${String(version['version'])}  ${causeOf(version)}  ${byOf(version)}  ${textMember(version, 'at') ?? ''}`
  const findings = Array.isArray(version['findings']) ? version['findings'].map((one) => `! ${String(one)}`) : []
  const sources = Array.isArray(version['sources']) ? version['sources'].filter(isObject) : []
  const texts = sources.flatMap((source) => [
    `--- ${textMember(source, 'file') ?? ''}`,
    ...(textMember(source, 'text') ?? '').split('\n'),
  ])
  return `${[head.trimEnd(), ...findings, ...texts].map(visible).join('\n')}\n`
}

/** What differs between two versions, or files; a version is a number. */
export async function diff(from: string, to: string, options: { json?: boolean; replay?: boolean }): Promise<void> {
  const context = processContext()
  const body = { from: await namedPolicy(context, from), to: await namedPolicy(context, to) }
  const answer = await ask(adminEndpoint(context), 'POST', '/admin/v1/policies/diff', body)
  const report = options.replay ? await replayAtServer(context, body.to) : null
  if (options.json || !isObject(answer)) {
    const whole = report === null || !isObject(answer) ? answer : { ...answer, replay: replayWire(report) }
    return context.out(jsonText(whole))
  }
  context.out(
    `${diffText(answer)}${report === null ? '' : `\nwhat is recorded, judged by ${to}: ${reportText(report)}`}`,
  )
}

function diffText(answer: JsonObject): string {
  const documents = Array.isArray(answer['documents']) ? answer['documents'].filter(isObject) : []
  const lines = documents.flatMap(documentLines)
  const text = textMember(answer, 'text') ?? ''
  if (lines.length === 0) lines.push('no decision changes by it')
  return `${[...lines, '', ...text.trimEnd().split('\n')].map(visible).join('\n').trimEnd()}\n`
}

function documentLines(document: JsonObject): readonly string[] {
  const rules = Array.isArray(document['rules']) ? document['rules'].filter(isObject) : []
  const guards: JsonObject = isObject(document['guards']) ? document['guards'] : {}
  const fallback = document['default_decision']
  return [
    `${textMember(document, 'name') ?? ''}: ${textMember(document, 'kind') ?? ''}`,
    ...(isObject(fallback) ? [`  default_decision: ${String(fallback['was'])} -> ${String(fallback['is'])}`] : []),
    ...rules.map((rule) => `  rule ${textMember(rule, 'kind') ?? ''}: ${placesOf(rule['was'], rule['is'])}`),
    ...['added', 'removed', 'changed'].flatMap((kind) => {
      const names = guards[kind]
      return Array.isArray(names) ? names.map((name) => `  guard ${kind}: ${String(name)}`) : []
    }),
  ]
}

function placesOf(was: Json | undefined, is: Json | undefined): string {
  const [from, to] = [placeOf(was), placeOf(is)]
  if (from === '' || to === '') return from + to
  // What changed stands in its further lines: the first one twice would only puzzle.
  return from === to ? from : `${from} -> ${to}`
}

function placeOf(place: Json | undefined): string {
  if (!isObject(place)) return ''
  const [first = ''] = (textMember(place, 'text') ?? '').split('\n')
  return `line ${String(place['line'])} ${first}`
}

/** Puts an earlier version into force. The answer is the new version. */
export async function rollback(number: string, options: { expected?: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const body = options.expected === undefined ? {} : { expected: versionNumber(options.expected) }
  const path = `/admin/v1/policies/versions/${versionNumber(number)}/rollback`
  const answer = await ask(adminEndpoint(context), 'POST', path, body)
  if (options.json || !isObject(answer)) return context.out(jsonText(answer))
  context.out(`version ${String(answer['version'])} is in force: what version ${number} says, until the files change\n`)
}

/** A version by its number, else a file or a pack, sent as its text. */
async function namedPolicy(context: Context, name: string): Promise<JsonObject> {
  if (/^[1-9]\d{0,8}$/.test(name)) return { version: Number(name) }
  const file = await findPolicy(name, [bundledPolicies()], context.cwd)
  return { sources: [{ file: basename(file), text: await readFile(resolve(context.cwd, file), 'utf8') }] }
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new AegisError('invalid_params', `not a policy version: ${JSON.stringify(text.slice(0, 40))}`, {
    advice: 'Take a number from `aegisctl policy history`.',
  })
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit
  throw new AegisError('invalid_params', '--limit must be a whole number from 1 to 1000')
}

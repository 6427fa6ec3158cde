import { AegisError } from '../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { type Column, jsonText, list, visible } from './output.ts'
import { formatOf, type ListOptions, rowsOf } from './rows.ts'

const SHORT_DIGEST = 12

const COLUMNS: readonly Column<JsonObject>[] = [
  { title: 'UPSTREAM', value: (row) => textMember(row, 'upstream') ?? '' },
  { title: 'TOOL', value: (row) => textMember(row, 'tool') ?? '' },
  { title: 'STATE', value: (row) => textMember(row, 'status') ?? '' },
  { title: 'DEFINITION', value: digestOf },
  { title: 'FINDINGS', value: findingsOf },
  { title: 'SEEN', value: (row) => textMember(row, 'seen_at') ?? '' },
  { title: 'ACCEPTED BY', value: (row) => textMember(row, 'decided_by') ?? '' },
]

export async function listPins(
  upstream: string | undefined,
  options: ListOptions & { waiting?: boolean },
): Promise<void> {
  const context = processContext()
  const query = new URLSearchParams({
    status: options.waiting === true ? 'waiting' : 'all',
    ...(upstream === undefined ? {} : { upstream }),
  })
  const rows = rowsOf(await ask(adminEndpoint(context), 'GET', `/admin/v1/pins?${query}`))
  context.out(list(rows, COLUMNS, formatOf(options)))
}

/** What waits, as a person must see it before deciding. Exit 1 where something does, as `diff` has it. */
export async function showDiff(upstream: string, tool: string | undefined, options: ListOptions): Promise<void> {
  const context = processContext()
  const rows = await waitingOf(upstream, tool)
  if (options.json === true) context.out(jsonText([...rows]))
  else context.out(rows.length === 0 ? 'nothing waits\n' : rows.map(diffText).join('\n'))
  if (rows.length > 0) process.exitCode = 1
}

interface DecideOptions {
  readonly all?: boolean
  readonly digest?: string
  readonly json?: boolean
}

/** Decides on exactly what it has shown: a definition that changes meanwhile is refused by the server. */
export async function decidePins(
  verb: 'accept' | 'reject',
  upstream: string,
  tool: string | undefined,
  options: DecideOptions,
): Promise<void> {
  const context = processContext()
  if ((tool === undefined) !== (options.all === true)) {
    throw new AegisError('invalid_params', 'name one tool, or give --all', {
      advice: '`aegisctl pins diff UPSTREAM` shows what waits',
    })
  }
  const rows = await waitingOf(upstream, tool)
  if (rows.length === 0) {
    throw new AegisError(
      'not_found',
      `nothing of ${upstream}${tool === undefined ? '' : ` called ${JSON.stringify(tool)}`} waits`,
      {
        advice: '`aegisctl pins list` shows the state of every tool',
      },
    )
  }
  demandDigest(rows, options.digest)
  if (options.json !== true) context.out(`${rows.map(diffText).join('\n')}\n`)
  const pins = rows.map((row) => ({
    upstream,
    tool: textMember(row, 'tool') ?? '',
    digest: textMember(row, 'digest') ?? '',
  }))
  const answer = await ask(adminEndpoint(context), 'POST', `/admin/v1/pins/${verb}`, { pins })
  context.out(options.json === true ? jsonText(answer) : `${verb}ed: ${rows.length}\n`)
}

async function waitingOf(upstream: string, tool: string | undefined): Promise<readonly JsonObject[]> {
  const query = new URLSearchParams({ upstream, ...(tool === undefined ? {} : { tool }) })
  return rowsOf(await ask(adminEndpoint(processContext()), 'GET', `/admin/v1/pins/diff?${query}`))
}

const LEAST_DIGITS = 8

function demandDigest(rows: readonly JsonObject[], wanted: string | undefined): void {
  if (wanted === undefined) return
  if (wanted.length < LEAST_DIGITS || rows.some((row) => !(textMember(row, 'digest') ?? '').startsWith(wanted))) {
    throw new AegisError('conflict', 'what waits is not the definition of this digest', {
      advice: 'look at it again with `aegisctl pins diff`',
    })
  }
}

/** Each member that differs, the old with `-`, the new with `+`. All of it is an upstream's text: what hides is shown. */
function diffText(row: JsonObject): string {
  const [upstream, tool] = [textMember(row, 'upstream') ?? '', textMember(row, 'tool') ?? '']
  const found = findingsOf(row)
  const head = `${upstream} ${visible(tool)}  ${textMember(row, 'status') ?? ''}  ${digestOf(row)}\n`
  const warning = found === '' ? '' : `  beware: ${found}\n`
  const { differs } = row
  return head + warning + (Array.isArray(differs) ? differs : []).map((change: Json) => changeText(change)).join('')
}

function changeText(change: Json): string {
  if (!isObject(change)) return ''
  const side = (sign: string, text: string | undefined) =>
    text === undefined
      ? ''
      : text
          .split('\n')
          .map((line) => `  ${sign} ${visible(line)}\n`)
          .join('')
  return `  ${visible(textMember(change, 'path') ?? '')}\n${side('-', textMember(change, 'before'))}${side('+', textMember(change, 'after'))}`
}

function digestOf(row: JsonObject): string {
  return (textMember(row, 'digest') ?? '').slice(0, SHORT_DIGEST)
}

function findingsOf(row: JsonObject): string {
  const { findings } = row
  return Array.isArray(findings) ? findings.join(', ') : ''
}

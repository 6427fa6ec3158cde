import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { isCommitted } from '../../ledger/commitment.ts'
import { COMMITTED } from '../../ledger/draft.ts'
import { adminEndpoint, ask } from '../client.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, list, visible } from '../output.ts'

interface EraseOptions {
  readonly entry: string
  readonly path: readonly string[]
  readonly reason: string
  readonly authority?: string
  readonly everywhere?: boolean
  readonly json?: boolean
}

/** Deletes committed values with their salts; the server records it in the same transaction. */
export async function erase(options: EraseOptions): Promise<void> {
  const context = processContext()
  const unknown = options.path.find((path) => !isCommitted(path))
  if (unknown !== undefined) {
    throw new AegisError('invalid_params', `there is no value \`${unknown}\` to erase: ${COMMITTED.join(', ')}`)
  }
  if (!/^\d{1,15}$/.test(options.entry)) throw new AegisError('invalid_params', '--entry is the number of an entry')
  const answer = await post(context, 'erase', {
    ...{ entry: Number(options.entry), paths: [...options.path], reason: options.reason },
    ...(options.authority !== undefined && { authority: options.authority }),
    ...(options.everywhere === true && { everywhere: true }),
  })
  if (options.json === true) return context.out(jsonText(answer))
  for (const text of erasedLines(answer, options.path)) context.out(`${text}\n`)
}

function erasedLines(answer: JsonObject, paths: readonly string[]): string[] {
  const lines = [
    `erased ${paths.join(', ')} of entry ${numbers(answer['erased'])}; recorded as ${numbers(answer['leaves'])}`,
  ]
  const remaining = numbers(answer['remaining'])
  if (remaining !== '') {
    lines.push(`  the same value is still held by entry ${remaining}: erase it there too with --everywhere`)
  }
  if (answer['overwritten'] !== true) {
    lines.push(
      '  old copies may still be in the database files, for somebody reads them: the next erasure overwrites them',
    )
  }
  lines.push(
    '  an approval that is not settled yet keeps its copy until it is; backups and exported bundles keep theirs',
  )
  return lines
}

function numbers(value: Json | undefined): string {
  return Array.isArray(value) ? value.map(String).join(', ') : ''
}

export async function hold(options: { session: string; reason: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await post(context, 'hold', { session: options.session, reason: options.reason })
  const text = `session ${visible(textMember(answer, 'session') ?? '')} is under a legal hold: nothing of it is pruned or erased\n`
  context.out(options.json === true ? jsonText(answer) : text)
}

export async function unhold(options: { session: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await post(context, 'unhold', { session: options.session })
  const text = `the legal hold of session ${visible(textMember(answer, 'session') ?? '')} is lifted\n`
  context.out(options.json === true ? jsonText(answer) : text)
}

export async function holds(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', '/admin/v1/evidence/holds')
  const rows = isObject(answer) && Array.isArray(answer['holds']) ? answer['holds'].filter(isObject) : []
  const column = (title: string, name: string) => ({ title, value: (row: JsonObject) => textMember(row, name) ?? '' })
  const columns = [column('SESSION', 'session'), column('SINCE', 'since'), column('REASON', 'reason')]
  context.out(list(rows, columns, options.json === true ? 'json' : 'table'))
}

/** Appends the session's final manifest. A later entry opens it again. */
export async function close(options: { session: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await post(context, 'close', { session: options.session })
  const text = `session ${visible(textMember(answer, 'session') ?? '')} is closed\n`
  context.out(options.json === true ? jsonText(answer) : text)
}

/** Asks the server, which alone writes. */
export async function post(context: Context, verb: string, body: JsonObject): Promise<JsonObject> {
  const answer = await ask(adminEndpoint(context), 'POST', `/admin/v1/evidence/${verb}`, body)
  return isObject(answer) ? answer : {}
}

import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { buildBundle } from '../../ledger/bundle/bundle.ts'
import { isCommitted } from '../../ledger/commitment.ts'
import { COMMITTED } from '../../ledger/draft.ts'
import type { EvidenceBundle } from '../../ledger/format/bundle-format.ts'
import type { Pins } from '../../ledger/verify/trust.ts'
import { adminEndpoint, ask } from '../client.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, visible } from '../output.ts'
import { pinsOf } from './pins.ts'
import { reasonOf, type StoreOptions, withSignedSession } from './source.ts'

interface ExportOptions extends StoreOptions {
  readonly session: string
  readonly out: string
  readonly redact?: readonly string[]
  readonly entries?: string
  readonly format?: string
}

const FORMATS = ['bundle', 'html', 'dsse'] as const
type Format = (typeof FORMATS)[number]

export async function exportBundle(options: ExportOptions): Promise<void> {
  const context = processContext()
  const redact = redacted(options.redact)
  const format = FORMATS.find((known) => known === (options.format ?? 'bundle'))
  if (format === undefined) throw new AegisError('invalid_params', `--format is one of ${FORMATS.join(', ')}`)
  const only = options.entries === undefined ? undefined : positions(options.entries)
  const pins = pinsOf(undefined, context)
  const bundle = await withSignedSession(options, context, options.session, async (reader, session) => {
    const origin = (await reader.head())?.origin
    const keys = pins?.policy.keys.flatMap(({ key }) => (key.name === origin ? [key.vkey] : [])) ?? []
    return buildBundle(reader, session, redact, { keys, ...(only && { only }) })
  })
  write(resolve(context.cwd, options.out), await formatted(format, bundle, pins, context))
  const { session, entries, manifest } = bundle
  if (options.json === true) {
    context.out(jsonText({ session, entries: entries.length, session_manifest_hash: manifest.hash, file: options.out }))
  } else {
    context.out(`exported ${entries.length} entries of ${session} to ${visible(options.out)}\n`)
    context.out(`session_manifest_hash: ${manifest.hash}\n`)
  }
}

async function formatted(format: Format, bundle: EvidenceBundle, pins: Pins | null, context: Context): Promise<string> {
  if (format === 'bundle') return `${JSON.stringify(bundle, null, 1)}\n`
  if (format === 'dsse') return statementOf(bundle.session, context)
  const { renderReport } = await import('../../evidence-report/report.ts')
  return renderReport(bundle, pins, new Date().toISOString())
}

/** Only the server has the log's key. */
async function statementOf(session: string, context: Context): Promise<string> {
  const path = session.split('/').map(encodeURIComponent).join('/')
  const answer = await ask(adminEndpoint(context), 'GET', `/admin/v1/evidence/sessions/${path}/statement`)
  return `${JSON.stringify(answer)}\n`
}

export function redacted(paths: readonly string[] = []): readonly string[] {
  const unknown = paths.find((path) => !isCommitted(path))
  if (unknown === undefined) return paths
  throw new AegisError('invalid_params', `there is no value \`${unknown}\` to withhold: ${COMMITTED.join(', ')}`)
}

/** `3,7`: places in the session, from 0. */
function positions(typed: string): readonly number[] {
  const places = typed.split(',').map((word) => (/^\d{1,9}$/.test(word.trim()) ? Number(word) : Number.NaN))
  if (places.every(Number.isInteger)) return places
  throw new AegisError('invalid_params', '--entries is a list of places in the session, such as 3,7')
}

/** Writes a file that only its owner can read: it holds the arguments and results of calls. @throws AegisError `invalid_params` */
export function write(file: string, text: string): void {
  try {
    const out = openSync(file, 'w', 0o600)
    try {
      // A file that was there would keep the mode it had.
      if (fstatSync(out).isFile()) fchmodSync(out, 0o600)
      writeFileSync(out, text)
    } finally {
      closeSync(out)
    }
  } catch (cause) {
    throw new AegisError('invalid_params', `${file} cannot be written: ${reasonOf(cause)}`, { cause, path: '--out' })
  }
}

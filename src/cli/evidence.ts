import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AegisError, asAegisError } from '../core/errors.ts'
import { sessionLabel } from '../core/ids.ts'
import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { decodeUtf8Strict } from '../core/strict-json.ts'
import type { EntryBody } from '../ledger/body.ts'
import { buildBundle, type EvidenceBundle, verifyBundle } from '../ledger/bundle.ts'
import { isCommitted } from '../ledger/commitment.ts'
import { COMMITTED } from '../ledger/draft.ts'
import { MAX_BUNDLE_BYTES, readBundle } from '../ledger/read-bundle.ts'
import type { LedgerReader, SessionSummary } from '../ledger/store.ts'
import { reportJson, type VerifyReport } from '../ledger/verify.ts'
import { verifyStored } from '../ledger/verify-stored.ts'
import { type Context, processContext } from './context.ts'
import { type Column, FORMATS, jsonText, list, visible } from './output.ts'

const EXIT = { valid: 0, tampered: 1, undecided: 3, belowTrust: 4 } as const

interface StoreOptions {
  readonly store?: string
  readonly json?: boolean
}

type SessionRow = JsonObject

export async function sessions(options: StoreOptions & { limit: string; format?: string }): Promise<void> {
  const context = processContext()
  const format = FORMATS.find((known) => known === (options.json === true ? 'json' : (options.format ?? 'table')))
  if (format === undefined) throw new AegisError('invalid_params', `--format is one of ${FORMATS.join(', ')}`)
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1) throw new AegisError('invalid_params', '--limit is a whole number above 0')
  const rows = await withReader(options, context, (reader) => reader.sessions(limit))
  context.out(list(rows.map(rowOf), SESSION_COLUMNS, format))
}

function rowOf(summary: SessionSummary): SessionRow {
  const { session, label, principal, entries, status, first, last, counts } = summary
  return { session, label, principal, entries, status, started_at: first, last_at: last, counts }
}

const SESSION_COLUMNS: readonly Column<SessionRow>[] = [
  { title: 'SESSION', value: (row) => textMember(row, 'session') ?? '' },
  { title: 'ENTRIES', value: (row) => String(row['entries']) },
  { title: 'STATUS', value: (row) => textMember(row, 'status') ?? '' },
  { title: 'STARTED', value: (row) => textMember(row, 'started_at') ?? '' },
  { title: 'LAST', value: (row) => textMember(row, 'last_at') ?? '' },
  { title: 'KINDS', value: (row) => kindsOf(row['counts']) },
]

function kindsOf(counts: Json | undefined): string {
  if (!isObject(counts)) return ''
  return Object.entries(counts)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')
}

export async function exportBundle(
  options: StoreOptions & { session: string; out: string; redact?: readonly string[] },
): Promise<void> {
  const context = processContext()
  const redact = options.redact ?? []
  const unknown = redact.find((path) => !isCommitted(path))
  if (unknown !== undefined) {
    throw new AegisError('invalid_params', `there is no value \`${unknown}\` to withhold: ${COMMITTED.join(', ')}`)
  }
  const bundle = await withReader(options, context, async (reader) => {
    return buildBundle(reader, await resolveSession(reader, options.session), redact)
  })
  write(resolve(context.cwd, options.out), `${JSON.stringify(bundle, null, 1)}\n`)
  const { session, entries, manifest } = bundle
  if (options.json === true) {
    context.out(jsonText({ session, entries: entries.length, session_manifest_hash: manifest.hash, file: options.out }))
  } else {
    context.out(`exported ${entries.length} entries of ${session} to ${visible(options.out)}\n`)
    context.out(`session_manifest_hash: ${manifest.hash}\n`)
  }
}

function write(file: string, text: string): void {
  try {
    const out = openSync(file, 'w', 0o600)
    try {
      // It holds the arguments and results of calls; a file that was there would keep the mode it had.
      if (fstatSync(out).isFile()) fchmodSync(out, 0o600)
      writeFileSync(out, text)
    } finally {
      closeSync(out)
    }
  } catch (cause) {
    throw new AegisError('invalid_params', `${file} cannot be written: ${reason(cause)}`, { cause, path: '--out' })
  }
}

interface VerifyOptions extends StoreOptions {
  readonly session?: string
  readonly bundle?: string
  readonly key?: string
}

export async function verify(options: VerifyOptions): Promise<void> {
  const context = processContext()
  if ((options.session === undefined) === (options.bundle === undefined)) {
    throw new AegisError('invalid_params', 'say what to verify: either --session or --bundle')
  }
  const approvals = { given: 0, separated: 0 }
  const onEntry = (entry: EntryBody) => {
    countApproval(entry, approvals)
    if (options.json !== true) context.out(`${lineOf(entry)}\n`)
  }
  const begin = (name: string) => {
    if (options.json !== true) context.out(`verifying session ${visible(name)}...\n`)
  }
  const report =
    options.bundle === undefined
      ? await verifySession(options, options.session ?? '', context, begin, onEntry)
      : verifyFile(resolve(context.cwd, options.bundle), begin, onEntry)
  const missing = options.key !== undefined
  const json = () => jsonText({ ...reportJson(report), approvals: { ...approvals } })
  context.out(options.json === true ? json() : textOf(report, approvals, missing))
  process.exitCode = exitOf(report, missing)
}

type OnEntry = (entry: EntryBody) => void

interface Approvals {
  given: number
  /** Those that came from another host or user than the server's: the agent there could not have given them itself. */
  separated: number
}

function countApproval(entry: EntryBody, approvals: Approvals): void {
  const reviewer = entry.whole['reviewer']
  if (entry.kind !== 'approve' || !isObject(reviewer)) return
  const separation = textMember(reviewer, 'separation')
  approvals.given += 1
  if (separation === 'uid' || separation === 'host') approvals.separated += 1
}

function verifySession(
  options: VerifyOptions,
  typed: string,
  context: Context,
  begin: (name: string) => void,
  onEntry: OnEntry,
): Promise<VerifyReport> {
  return withReader(options, context, async (reader) => {
    const session = await resolveSession(reader, typed)
    begin(typed)
    return verifyStored(reader, session, onEntry)
  })
}

function verifyFile(file: string, begin: (name: string) => void, onEntry: OnEntry): VerifyReport {
  const bundle = bundleIn(file)
  begin(sessionLabel(bundle.session))
  return verifyBundle(bundle, onEntry)
}

/** What is no bundle, or only a part of one, is neither valid nor tampered: nothing can be said of it. */
function bundleIn(file: string): EvidenceBundle {
  const bytes = readBounded(file)
  try {
    return readBundle(decodeUtf8Strict(bytes))
  } catch (cause) {
    const known = asAegisError(cause)
    throw new AegisError('cannot_decide', `${file} is not a whole evidence bundle: ${known.message}`, {
      advice: 'Export it again with `aegisctl evidence export`, or ask its sender for the whole file.',
      ...(known.path === null ? {} : { path: known.path }),
      cause,
    })
  }
}

function readBounded(file: string): Uint8Array {
  try {
    const { size } = statSync(file)
    if (size <= MAX_BUNDLE_BYTES) return readFileSync(file)
  } catch (cause) {
    throw new AegisError('not_found', `${file} cannot be read: ${reason(cause)}`, { cause, path: '--bundle' })
  }
  throw new AegisError('too_large', `${file} is larger than ${MAX_BUNDLE_BYTES} bytes`, { path: '--bundle' })
}

/** `envelope <uuid> allow github.get_file_contents`: one entry, one line, nothing in it can move the cursor. */
function lineOf(entry: EntryBody): string {
  return `envelope ${visible(entry.env)} ${entry.kind} ${visible(subjectOf(entry))}`
}

function subjectOf(entry: EntryBody): string {
  const reviewer = entry.whole['reviewer']
  if (isObject(reviewer) && (entry.kind === 'approve' || entry.kind === 'deny')) {
    const name = textMember(reviewer, 'name') ?? ''
    return `${textMember(reviewer, 'claimed') ?? name} (key ${name})`
  }
  const outcome = entry.whole['outcome']
  if (isObject(outcome) && entry.kind === 'result') {
    return textMember(outcome, 'label') ?? textMember(outcome, 'status') ?? ''
  }
  return entry.tool
}

function textOf(report: VerifyReport, { given, separated }: Approvals, missing: boolean): string {
  const lines = report.valid
    ? [
        `valid: true, total_entries: ${report.totalEntries}, audit log integrity verified`,
        `session_manifest_hash: ${report.manifestHash}`,
      ]
    : [report.undecided === null ? 'valid: false' : `cannot decide: ${report.undecided}`]
  if (report.brokenLink !== null) lines.push(`broken_link: ${report.brokenLink}`)
  for (const { severity, place, class: kind, detail } of report.findings) {
    lines.push(`${severity}: ${place} ${kind}: ${detail}`)
  }
  const unlisted = report.findingsTotal - report.findings.length
  if (unlisted > 0) lines.push(`and ${unlisted} more findings`)
  if (report.valid) lines.push('trust: unsigned (detects edits, not a full rewrite)')
  if (report.valid && given > separated) {
    lines.push(
      `approvals: ${given - separated} of ${given} not separated from the agent (no proof that a person gave them)`,
    )
  }
  if (report.valid && missing) lines.push('no checkpoint is signed by the key asked for')
  return `${lines.map(visible).join('\n')}\n`
}

function exitOf(report: VerifyReport, missing: boolean): number {
  if (report.valid) return missing ? EXIT.belowTrust : EXIT.valid
  const damaged = report.findings.some(({ severity }) => severity === 'error')
  return damaged ? EXIT.tampered : EXIT.undecided
}

async function resolveSession(reader: LedgerReader, typed: string): Promise<string> {
  if (typed.includes('/')) return typed
  const [only, ...others] = await reader.sessionsNamed(typed)
  if (only === undefined) {
    throw new AegisError('not_found', `no session \`${typed}\` in this store`, {
      advice: 'List them with `aegisctl evidence sessions`.',
    })
  }
  if (others.length === 0) return only
  throw new AegisError('invalid_params', `${others.length + 1} sessions are called \`${typed}\``, {
    advice: `Name one in full: ${[only, ...others].join(', ')}`,
  })
}

async function withReader<T>(
  options: StoreOptions,
  context: Context,
  use: (reader: LedgerReader) => Promise<T>,
): Promise<T> {
  const { openReader } = await import('../store/open.ts')
  const store = await openReader(await storeSetting(options, context))
  try {
    return await use(store.ledger)
  } finally {
    await store.close()
  }
}

/** Loads the configuration only where the file is not named: verifying someone else's store needs no installation. */
async function storeSetting({ store }: StoreOptions, context: Context): Promise<string> {
  if (store !== undefined) return /^postgres(ql)?:/i.test(store) ? store : resolve(context.cwd, store)
  const { loadConfig } = await import('../config.ts')
  return loadConfig({ env: context.env, home: context.home, cwd: context.cwd }).store
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { sessionLabel } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { EvidenceBundle } from '../../ledger/format/bundle-format.ts'
import { type ArchivePlan, archiveLines, planArchive } from '../../ledger/keeping/archive.ts'
import { type ArchiveReport, readArchive } from '../../ledger/keeping/read-archive.ts'
import { MAX_BUNDLE_BYTES } from '../../ledger/verify/read-bundle.ts'
import type { Pins } from '../../ledger/verify/trust.ts'
import { verifyBundle } from '../../ledger/verify/verify-bundle.ts'
import { adminEndpoint, ask } from '../client.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, visible } from '../output.ts'
import { write } from './export.ts'
import { post } from './keeping.ts'
import { linesOf } from './lines.ts'
import { pinsOf } from './pins.ts'
import { reasonOf, type StoreOptions, withReader } from './source.ts'
import { EXIT, exitOf } from './verdict.ts'

interface ArchiveOptions extends StoreOptions {
  readonly before: string
  readonly out: string
  readonly closeIdle?: boolean
}

/** Writes closed sessions to a file that proves by itself what it holds; deletes nothing. */
export async function archive(options: ArchiveOptions): Promise<void> {
  const context = processContext()
  const before = timeOf(options.before)
  if (options.closeIdle === true) await closeIdle(options, context, before)
  const file = resolve(context.cwd, options.out)
  const { plan, sha256 } = await withReader(options, context, async (reader) => {
    const plan = await planArchive(reader, before)
    if (plan.sessions.size === 0) throw nothingToArchive(plan)
    return { plan, sha256: await writeLines(file, archiveLines(reader, plan)) }
  })
  const { from, to, sessions, idle, stop } = plan
  if (options.json === true) {
    context.out(
      jsonText({
        file: options.out,
        sha256,
        sessions: sessions.size,
        from,
        to,
        stopped_at: stop && { ...stop },
        idle: [...idle],
      }),
    )
    return
  }
  context.out(`archived ${sessions.size} sessions in ${visible(options.out)}\nsha256: ${sha256}\n`)
  context.out(
    to > from
      ? `entries ${from} to ${to - 1} are in it whole: \`aegisctl evidence prune --archive ${visible(options.out)}\` deletes them\n`
      : 'nothing can be pruned yet: entries go 256 at a time\n',
  )
  if (stop !== null) context.out(`  entry ${stop.n} stays: session ${visible(stop.session)} is ${visible(stop.why)}\n`)
}

function nothingToArchive({ before, idle, stop }: ArchivePlan): AegisError {
  const why = stop === null ? '' : `; entry ${stop.n} is of session ${stop.session}, which is ${stop.why}`
  return new AegisError('not_found', `no closed session has ended before ${before}${why}`, {
    ...(idle.length > 0 && {
      advice: `${idle.length} sessions are open though nothing was written to them since: add --close-idle.`,
    }),
  })
}

/** `2026-10-01` or a whole RFC 3339 time, in UTC. */
function timeOf(typed: string): string {
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(typed) ? Date.parse(typed) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw new AegisError('invalid_params', '--before is a day such as 2026-10-01, or a time such as 2026-10-01T12:00:00Z')
}

async function closeIdle(options: StoreOptions, context: Context, before: string): Promise<void> {
  const { idle } = await withReader(options, context, (reader) => planArchive(reader, before))
  for (const session of idle) await post(context, 'close', { session })
  // The manifests must be signed to be proved.
  if (idle.length > 0) await ask(adminEndpoint(context), 'GET', '/admin/v1/evidence/checkpoint')
}

async function writeLines(file: string, lines: AsyncIterable<string>): Promise<string> {
  const digest = createHash('sha256')
  const out = await created(file)
  try {
    for await (const text of lines) {
      const line = `${text}\n`
      digest.update(line)
      await out.write(line)
    }
    // What it holds may be deleted next.
    await out.sync()
  } finally {
    await out.close()
  }
  return digest.digest('hex')
}

/** Never over a file that is there: an archive may be all that is left of what it holds. */
async function created(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600)
  } catch (cause) {
    throw new AegisError('invalid_params', `${file} cannot be written: ${reasonOf(cause)}`, { cause, path: '--out' })
  }
}

/** Deletes from the log what the archive holds, after looking whether it really holds it. */
export async function prune(options: { archive: string; key?: string; json?: boolean }): Promise<void> {
  const context = processContext()
  const file = resolve(context.cwd, options.archive)
  const pins = pinsOf(options.key, context)
  const broken: string[] = []
  const { report, sha256 } = await readFile(file, pins, (bundle) => {
    if (!verifyBundle(bundle, { pins }).valid) broken.push(bundle.session)
  })
  const [fault] = [...report.faults, ...broken.map((session) => `the bundle of ${session} does not verify`)]
  if (fault !== undefined) throw new AegisError('conflict', `${file} is damaged, so nothing is deleted: ${fault}`)
  if (report.undecided !== null) throw new AegisError('cannot_decide', `${file}: ${report.undecided}`)
  const answer = await post(context, 'prune', { min_index: report.to, archive_sha256: sha256, root: report.root })
  const text = `deleted ${answer['deleted']} entries below ${report.to}; recorded as ${answer['n']}\nkeep the archive: sha256 ${sha256}\n`
  context.out(options.json === true ? jsonText(answer) : text)
}

/** Verifies all that an archive holds, as `evidence verify` does a bundle. */
export async function verifyArchive(file: string, context: Context, pins: Pins | null, json: boolean): Promise<void> {
  const worst = { exit: EXIT.valid as number, sessions: [] as JsonObject[] }
  const { report, sha256 } = await readFile(file, pins, (bundle) => {
    const verdict = verifyBundle(bundle, { pins })
    worst.exit = worseOf(worst.exit, exitOf(verdict))
    if (json) worst.sessions.push({ session: bundle.session, valid: verdict.valid, broken_link: verdict.brokenLink })
    else
      context.out(
        `session ${visible(sessionLabel(bundle.session))}: valid: ${verdict.valid}${verdict.brokenLink === null ? '' : `, broken_link: ${verdict.brokenLink}`}\n`,
      )
  })
  const { from, to, bundles, faults, undecided } = report
  if (undecided !== null) worst.exit = worseOf(worst.exit, EXIT.undecided)
  if (faults.length > 0) worst.exit = EXIT.tampered
  const valid = worst.exit === EXIT.valid
  process.exitCode = worst.exit
  if (json)
    return context.out(
      jsonText({ valid, undecided, sha256, from, to, bundles, faults: [...faults], sessions: worst.sessions }),
    )
  for (const fault of faults) context.out(`error: ${visible(fault)}\n`)
  if (undecided !== null) context.out(`cannot decide: ${visible(undecided)}\n`)
  context.out(`valid: ${valid}, sessions: ${bundles}, entries ${from} to ${to} whole\nsha256: ${sha256}\n`)
}

/** Tampered, then undecided, then below trust, then valid. */
function worseOf(one: number, other: number): number {
  const order: readonly number[] = [EXIT.valid, EXIT.belowTrust, EXIT.undecided, EXIT.tampered]
  return order[Math.max(order.indexOf(one), order.indexOf(other))] ?? EXIT.tampered
}

/** Takes one session's bundle out of an archive: a file like any that `evidence export` writes. */
export async function extract(options: {
  archive: string
  session: string
  out: string
  json?: boolean
}): Promise<void> {
  const context = processContext()
  const found: EvidenceBundle[] = []
  await readFile(resolve(context.cwd, options.archive), null, (bundle) => {
    if (bundle.session === options.session || sessionLabel(bundle.session) === options.session) found.push(bundle)
  })
  const [bundle, ...others] = found
  if (bundle === undefined) throw new AegisError('not_found', `no session \`${options.session}\` in this archive`)
  if (others.length > 0) {
    const names = found.map(({ session }) => session).join(', ')
    throw new AegisError('invalid_params', `${found.length} sessions are called so`, {
      advice: `Name one in full: ${names}`,
    })
  }
  write(resolve(context.cwd, options.out), `${JSON.stringify(bundle, null, 1)}\n`)
  const { session, entries } = bundle
  const text = `extracted ${entries.length} entries of ${session} to ${visible(options.out)}\n`
  context.out(options.json === true ? jsonText({ session, entries: entries.length, file: options.out }) : text)
}

async function readFile(
  file: string,
  pins: Pins | null,
  onBundle: (bundle: EvidenceBundle) => void,
): Promise<{ report: ArchiveReport; sha256: string }> {
  const digest = createHash('sha256')
  const bytes = createReadStream(file, { highWaterMark: 1024 * 1024 })
  try {
    const lines = linesOf(bytes, MAX_BUNDLE_BYTES, (chunk) => digest.update(chunk))
    const report = await readArchive(lines, { pins, onBundle })
    return { report, sha256: digest.digest('hex') }
  } catch (cause) {
    const missing = cause instanceof Error && 'syscall' in cause
    const code = missing ? 'not_found' : 'cannot_decide'
    throw new AegisError(code, `${file} is not a whole archive: ${reasonOf(cause)}`, { cause, path: '--archive' })
  } finally {
    bytes.destroy()
  }
}

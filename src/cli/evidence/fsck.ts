import { type LogReport, verifyLog } from '../../ledger/audit/verify-log.ts'
import type { LedgerReader } from '../../ledger/store.ts'
import { reportJson } from '../../ledger/verify/report.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, visible } from '../output.ts'
import { foundStore, readAnchors, withAnchors } from './anchored.ts'
import { pinsOf, rememberedCheckpoint } from './pins.ts'
import { demandTrust, requirementsOf, type TrustOptions } from './required.ts'
import { type StoreOptions, withReader } from './source.ts'
import { exitOf, findingsOf, trustLine } from './verdict.ts'

interface LogOptions extends StoreOptions, TrustOptions {
  readonly fast?: boolean
}

/** Looks at everything a store holds: sessions, leaves, tiles, checkpoints, head rows. */
export async function fsck(options: LogOptions): Promise<void> {
  const context = processContext()
  const required = requirementsOf(options)
  const found = await withReader(options, context, (reader) => verifyStore(reader, options, context))
  const report = demandTrust(found, required)
  const { sessions, leaves, checkpoints } = report
  const json = () => jsonText({ ...reportJson(report), sessions, leaves, checkpoints })
  context.out(options.json === true ? json() : textOf(report, options.fast === true))
  process.exitCode = exitOf(report)
}

async function verifyStore(reader: LedgerReader, options: LogOptions, context: Context): Promise<LogReport> {
  const pins = pinsOf(options.key, context)
  const remembered = options.store === undefined ? rememberedCheckpoint(context) : null
  const progress = (done: number, size: number) => {
    if (options.json !== true) context.err(`\r${done} of ${size} rows`)
  }
  let told = false
  const report = await verifyLog(reader, {
    ...{ pins, remembered, fast: options.fast === true },
    progress(done, size) {
      told = true
      progress(done, size)
    },
  })
  if (told && options.json !== true) context.err('\n')
  if (pins === null) return report
  const anchors = await readAnchors(options.anchor ?? [], context)
  const found = await foundStore(reader, null, pins, anchors)
  return { ...report, ...withAnchors(report, found, anchors, pins) }
}

function textOf(report: LogReport, fast: boolean): string {
  const { origin, totalEntries, sessions, leaves, checkpoints } = report
  const lines = [`verified the log ${origin}${fast ? ' (fast: canonical form and columns left out)' : ''}`]
  if (report.valid) {
    lines.push(
      `valid: true, total_entries: ${totalEntries}, sessions: ${sessions}, leaves: ${leaves}, checkpoints: ${checkpoints}`,
    )
  } else lines.push(exitOf(report) === 3 ? `cannot decide: ${report.undecided}` : 'valid: false')
  lines.push(...findingsOf(report))
  if (report.valid) lines.push(`trust: ${trustLine(report.trust)}`)
  if (report.belowTrust !== null) lines.push(`below the trust required: ${report.belowTrust}`)
  return `${lines.map(visible).join('\n')}\n`
}

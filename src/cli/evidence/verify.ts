import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { sessionLabel } from '../../core/ids.ts'
import { verifyStored } from '../../ledger/audit/verify-stored.ts'
import type { EntryBody } from '../../ledger/format/body.ts'
import { reportJson, type VerifyReport } from '../../ledger/verify/report.ts'
import type { Pins } from '../../ledger/verify/trust.ts'
import { verifyBundle } from '../../ledger/verify/verify-bundle.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, visible } from '../output.ts'
import { foundBundle, foundStore, readAnchors, withAnchors } from './anchored.ts'
import { pinsOf, rememberedCheckpoint } from './pins.ts'
import { demandTrust, type Requirements, requirementsOf, type TrustOptions } from './required.ts'
import { bundleIn, looksArchived, type StoreOptions, withSignedSession } from './source.ts'
import { countApproval, exitOf, lineOf, textOf } from './verdict.ts'

export interface VerifyOptions extends StoreOptions, TrustOptions {
  readonly session?: string
  readonly bundle?: string
  readonly all?: boolean
  readonly fast?: boolean
}

/** What is verified, and against what. */
interface Task {
  readonly options: VerifyOptions
  readonly context: Context
  readonly pins: Pins | null
  readonly required: Requirements
  begin(name: string): void
  onEntry(entry: EntryBody): void
}

export async function verify(options: VerifyOptions): Promise<void> {
  const context = processContext()
  const asked = [options.session, options.bundle, options.all].filter((one) => one !== undefined)
  if (asked.length !== 1) {
    throw new AegisError('invalid_params', 'say what to verify: one of --session, --bundle and --all')
  }
  if (options.all === true) return (await import('./fsck.ts')).fsck(options)
  const pins = pinsOf(options.key, context)
  if (options.bundle !== undefined && looksArchived(resolve(context.cwd, options.bundle))) {
    const { verifyArchive } = await import('./archive.ts')
    return verifyArchive(resolve(context.cwd, options.bundle), context, pins, options.json === true)
  }
  const approvals = { given: 0, separated: 0 }
  const said = (line: string) => options.json !== true && context.out(`${line}\n`)
  const task: Task = {
    ...{ options, context, pins, required: requirementsOf(options) },
    begin: (name) => said(`verifying session ${visible(name)}...`),
    onEntry(entry) {
      countApproval(entry, approvals)
      said(lineOf(entry))
    },
  }
  const found = options.bundle === undefined ? await verifySession(task) : await verifyFile(task, options.bundle)
  const report = demandTrust(found, task.required)
  const json = () => jsonText({ ...reportJson(report), approvals: { ...approvals } })
  context.out(options.json === true ? json() : textOf(report, approvals, options.fast === true))
  process.exitCode = exitOf(report)
}

function verifySession({ options, context, pins, required, begin, onEntry }: Task): Promise<VerifyReport> {
  const typed = options.session ?? ''
  const remembered = options.store === undefined ? rememberedCheckpoint(context) : null
  return withSignedSession(options, context, typed, async (reader, session) => {
    begin(typed)
    const report = await verifyStored(reader, session, { pins, remembered, fast: options.fast === true, onEntry })
    if (pins === null) return report
    const anchors = await readAnchors(required.anchors, context)
    return withAnchors(report, await foundStore(reader, session, pins, anchors), anchors, pins)
  })
}

async function verifyFile(
  { options, context, pins, required, begin, onEntry }: Task,
  file: string,
): Promise<VerifyReport> {
  const bundle = bundleIn(resolve(context.cwd, file))
  begin(sessionLabel(bundle.session))
  const report = verifyBundle(bundle, { pins, fast: options.fast === true, onEntry })
  const found = foundBundle(bundle)
  if (pins === null || found === null) return report
  const anchors = await readAnchors(required.anchors, context)
  return withAnchors(report, found, anchors, pins)
}

import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { sessionLabel } from '../../core/ids.ts'
import type { EntryBody } from '../../ledger/body.ts'
import type { Pins } from '../../ledger/trust.ts'
import { reportJson, type VerifyReport } from '../../ledger/verify.ts'
import { verifyBundle } from '../../ledger/verify-bundle.ts'
import { verifyStored } from '../../ledger/verify-stored.ts'
import { type Context, processContext } from '../context.ts'
import { jsonText, visible } from '../output.ts'
import { pinsOf, rememberedCheckpoint } from './pins.ts'
import { bundleIn, looksArchived, type StoreOptions, withSignedSession } from './source.ts'
import { countApproval, exitOf, lineOf, textOf } from './verdict.ts'

export interface VerifyOptions extends StoreOptions {
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
  const telling: Telling = {
    begin(name) {
      if (options.json !== true) context.out(`verifying session ${visible(name)}...\n`)
    },
    onEntry(entry) {
      countApproval(entry, approvals)
      if (options.json !== true) context.out(`${lineOf(entry)}\n`)
    },
  }
  const pins = pinsOf(options.key, context)
  if (options.bundle !== undefined && looksArchived(resolve(context.cwd, options.bundle))) {
    const { verifyArchive } = await import('./archive.ts')
    return verifyArchive(resolve(context.cwd, options.bundle), context, pins, options.json === true)
  }
  const report =
    options.bundle === undefined
      ? await verifySession(options, options.session ?? '', context, pins, telling)
      : verifyFile(resolve(context.cwd, options.bundle), pins, telling)
  const json = () => jsonText({ ...reportJson(report), approvals: { ...approvals } })
  context.out(options.json === true ? json() : textOf(report, approvals))
  process.exitCode = exitOf(report)
}

interface Telling {
  begin(name: string): void
  onEntry(entry: EntryBody): void
}

function verifySession(
  options: VerifyOptions,
  typed: string,
  context: Context,
  pins: Pins | null,
  { begin, onEntry }: Telling,
): Promise<VerifyReport> {
  const remembered = options.store === undefined ? rememberedCheckpoint(context) : null
  return withSignedSession(options, context, typed, (reader, session) => {
    begin(typed)
    return verifyStored(reader, session, { pins, remembered, onEntry })
  })
}

function verifyFile(file: string, pins: Pins | null, { begin, onEntry }: Telling): VerifyReport {
  const bundle = bundleIn(file)
  begin(sessionLabel(bundle.session))
  return verifyBundle(bundle, { pins, onEntry })
}

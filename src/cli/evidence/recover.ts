import { AegisError } from '../../core/errors.ts'
import type { Loss } from '../../ledger/keeping/loss.ts'
import { processContext } from '../context.ts'
import { demandOwnServer } from '../other-user.ts'
import { jsonText } from '../output.ts'

interface RecoverOptions {
  readonly acceptLoss?: boolean
  readonly reason?: string
  readonly json?: boolean
}

/** Exit code of a store that lacks what was signed, as `verify` has it. */
const LACKING = 1

/** Looks whether the store lacks what this gateway signed; with `--accept-loss` records that and lets the log go on. */
export async function recover({ acceptLoss = false, reason, json = false }: RecoverOptions): Promise<void> {
  const context = processContext()
  if (acceptLoss && reason === undefined) {
    throw new AegisError('invalid_params', 'a loss is accepted with a reason', { advice: 'Add --reason.' })
  }
  const { loadConfig } = await import('../../config.ts')
  const { recoverEvidence } = await import('../../compose/recover-evidence.ts')
  demandOwnServer(context, 'the evidence', 'sudo aegisctl evidence recover …')
  const config = loadConfig({ env: context.env, home: context.home, cwd: context.cwd })
  const { loss, checkpoint } = await recoverEvidence(config, acceptLoss ? (reason ?? '') : null)
  if (loss !== null && checkpoint === null) process.exitCode = LACKING
  if (json) {
    const stated = loss && { remembered: { ...loss.remembered }, found: { ...loss.found } }
    context.out(jsonText({ loss: stated, recorded: checkpoint !== null, size: checkpoint?.size ?? null }))
    return
  }
  context.out(loss === null ? 'nothing is missing: the store continues all that was signed\n' : textOf(loss))
  if (loss === null) return
  context.out(
    checkpoint === null
      ? 'Look for the lost entries in the old primary and in backups first. To go on without them: --accept-loss --reason TEXT\n'
      : `recorded, with both roots, in a log of now ${checkpoint.size} entries; start Aegis again\n`,
  )
}

function textOf({ remembered, found }: Loss): string {
  const gone = remembered.size - found.size
  const what =
    gone > 0 ? `${gone} entries that were signed are gone` : 'another history than the signed one was written on'
  return [
    `signed:       ${remembered.size} entries, root ${remembered.root}`,
    `in the store: ${found.size} entries, root ${found.root}`,
    `${what}\n`,
  ].join('\n')
}

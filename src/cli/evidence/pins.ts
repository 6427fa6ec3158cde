import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { parseTrustPolicy } from '../../ledger/notes/trust-policy.ts'
import { parseVkey } from '../../ledger/notes/vkey.ts'
import type { Pins } from '../../ledger/verify/trust.ts'
import { type Context, placesOf } from '../context.ts'
import { reasonOf } from './source.ts'

/**
 * The keys to believe: those named with `--key`, as a vkey or a file of them, or else those of the installation on this machine.
 * Null where there are none. Keys in a bundle are never among them.
 */
export function pinsOf(named: string | undefined, context: Context): Pins | null {
  if (named === undefined) return installed(context)
  const key = parseVkey(named)
  if (key !== null) return { policy: { keys: [{ key, from: 0, to: null }] }, named: true }
  const file = resolve(context.cwd, named)
  const text = read(file)
  if (text === null) {
    throw new AegisError(
      'invalid_params',
      `--key is neither a vkey nor a file: ${JSON.stringify(named.slice(0, 120))}`,
      {
        advice: 'Give `<name>+<id>+<base64>`, or a file of such lines like log.vkey.',
      },
    )
  }
  return { policy: policyIn(file, text), named: true }
}

function installed(context: Context): Pins | null {
  const { logTrust } = placesOf(context)
  const text = read(logTrust)
  return text === null ? null : { policy: policyIn(logTrust, text), named: false }
}

function policyIn(file: string, text: string): Pins['policy'] {
  const parsed = parseTrustPolicy(text)
  if (parsed.ok) return parsed.policy
  const [first] = parsed.problems
  throw new AegisError('config', `${file}:${first?.line}: ${first?.message}`, { path: file })
}

/** What the gateway here remembers to have signed last: of use for its own store only. */
export function rememberedCheckpoint(context: Context): string | null {
  return read(placesOf(context).lastCheckpoint)
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new AegisError('config', `${file} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

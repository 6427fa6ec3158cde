import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/core/runtime.ts'
import { consistencyProof } from '../../src/ledger/merkle/proofs.ts'
import { appendLeaves, EMPTY, type Hash, nodeHash, rootOf } from '../../src/ledger/merkle/tree.ts'
import { checkpointText } from '../../src/ledger/notes/checkpoint.ts'
import { createSigner, privateKeyPem, type Signer, signNote } from '../../src/ledger/notes/sign.ts'
import { parseTrustPolicy, type TrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import type { StoredCheckpoint } from '../../src/ledger/store.ts'

export const ORIGIN = 'aegis.example/log/test'
export const logKey = createSigner(ORIGIN, privateKeyPem(Buffer.alloc(32, 7)))
export const otherKey = createSigner(ORIGIN, privateKeyPem(Buffer.alloc(32, 8)))

/** A log in memory; `word` makes the leaves, so that two logs of one word agree. */
export interface TinyLog {
  rootAt(size: number): Hash
  checkpoint(size: number, signer?: Signer, origin?: string): Promise<StoredCheckpoint>
  prove(from: number, to: number): Promise<readonly Hash[]>
}

/** From leaf `changed` on the leaves are others. */
export function tinyLog(count: number, changed = Number.POSITIVE_INFINITY): TinyLog {
  const leaves = Array.from({ length: count }, (_, n) => {
    return createHash('sha256')
      .update(`\0${n < changed ? 'leaf' : 'changed'} ${n}`)
      .digest()
  })
  const subtree = async (level: number, index: number): Promise<Hash> => {
    const leaf = leaves[index]
    if (level === 0 && leaf !== undefined) return leaf
    if (level === 0) throw new RangeError('no such leaf')
    return nodeHash(await subtree(level - 1, 2 * index), await subtree(level - 1, 2 * index + 1))
  }
  const rootAt = (size: number) => rootOf(appendLeaves(EMPTY, leaves.slice(0, size)))
  return {
    rootAt,
    async checkpoint(size, signer = logKey, origin = ORIGIN) {
      const root = rootAt(size)
      return { size, root, note: await signNote(checkpointText({ origin, size, root }), [signer]) }
    },
    prove: (from, to) => consistencyProof(from, to, subtree),
  }
}

export function policyOf(...vkeys: readonly string[]): TrustPolicy {
  const parsed = parseTrustPolicy(vkeys.map((vkey) => `${vkey}\n`).join(''))
  if (!parsed.ok) throw new Error('the policy does not parse')
  return parsed.policy
}

export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'aegis-anchors-'))
}

export const noProof = async (): Promise<readonly Hash[]> => []

export function patient(): AbortSignal {
  return AbortSignal.timeout(60_000)
}

/** Keeps what was logged. */
export function memoryLog(): Log & { readonly lines: readonly string[] } {
  const lines: string[] = []
  const note = (level: string) => (fields: Record<string, unknown>, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  return { lines, info: note('info'), warn: note('warn'), error: note('error') }
}

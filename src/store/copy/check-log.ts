import { AegisError } from '../../core/errors.ts'
import { leafHashOfBytes } from '../../ledger/format/chain.ts'
import {
  appendLeaves,
  EMPTY,
  type Frontier,
  HASH_BYTES,
  type Hash,
  packRoots,
  rootOf,
} from '../../ledger/merkle/tree.ts'
import type { LedgerReader, LogHead, StoredEntry } from '../../ledger/store.ts'

const TILE = 256

/**
 * Reads a whole log: every body has its hash, numbers are gapless, sessions end where their heads say, and all hashes together
 * make the tree of the head row. Returns the root in hex.
 * @throws AegisError `conflict` that names the first thing that is wrong, `not_found` where there is no log
 */
export async function checkLog(
  reader: LedgerReader,
  where: string,
  progress: (entries: number) => void,
): Promise<{ readonly root: string; readonly size: number }> {
  const head = await reader.head()
  if (head === null) throw new AegisError('not_found', `there is no log in ${where}`)
  const [broken] = await reader.brokenHeads()
  if (broken !== undefined) throw damaged(where, `session ${broken} does not end where its head row says`)
  let frontier = await prunedPart(reader, head, where)
  for await (const page of reader.entries(0)) {
    frontier = appendLeaves(frontier, leavesOf(page, frontier.size, where))
    progress(frontier.size)
  }
  if (frontier.size !== head.size)
    throw damaged(where, `its head says ${head.size} entries, ${frontier.size} are there`)
  if (!Buffer.from(packRoots(frontier.roots)).equals(head.frontier)) {
    throw damaged(where, 'its entries do not make the tree of its head row')
  }
  return { root: Buffer.from(rootOf(frontier)).toString('hex'), size: head.size }
}

function leavesOf(page: readonly StoredEntry[], next: number, where: string): Hash[] {
  return page.map(({ n, hash, body }, index) => {
    if (n !== next + index) throw damaged(where, `entry ${next + index} is missing`)
    if (leafHashOfBytes(body) !== hash) throw damaged(where, `entry ${n} does not have its hash`)
    return Buffer.from(hash, 'hex')
  })
}

/** Of pruned entries the hashes are left, in the tiles. */
async function prunedPart(reader: LedgerReader, { minIndex }: LogHead, where: string): Promise<Frontier> {
  let frontier = EMPTY
  for (let index = 0; index < minIndex / TILE; index += 1) {
    const tile = await reader.tile(0, index)
    if (tile === null) throw damaged(where, `tile 0/${index} is missing`)
    const leaves = Array.from({ length: TILE }, (_, at) => tile.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES))
    frontier = appendLeaves(frontier, leaves)
  }
  return frontier
}

function damaged(where: string, how: string): AegisError {
  return new AegisError('conflict', `the log in ${where} is damaged: ${how}`, {
    advice: 'Look at it with `aegisctl evidence verify`. Nothing was copied.',
  })
}

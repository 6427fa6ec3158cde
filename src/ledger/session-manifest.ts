import { AegisError } from '../core/errors.ts'
import { isBody, readBody } from './format/body.ts'
import { genesis, isHash, leafHashOfBytes } from './format/chain.ts'
import { createOpenIntents, createTally, type Manifest } from './format/manifest.ts'
import type { LedgerReader } from './store.ts'

/** A session's manifest as its stored entries give it now, and whether the newest manifest leaf already says so. */
export interface SessionManifest extends Manifest {
  readonly entries: number
  readonly storedN: number | null
}

/** Null where the log holds no such session. @throws AegisError `conflict` where its first entries were pruned: nobody can add them up */
export async function sessionManifest(
  reader: LedgerReader,
  session: string,
  final: boolean,
): Promise<SessionManifest | null> {
  const log = await reader.head()
  const head = await reader.session(session)
  if (log === null || head === null) return null
  const tally = createTally(log.origin, session, genesis(log.origin, session))
  const open = createOpenIntents()
  for await (const page of reader.sessionEntries(session)) {
    for (const { entry } of page) {
      if (tally.entries === 0 && entry.seq !== 0 && log.minIndex > 0) throw pruned(session)
      const body = readBody(Buffer.from(entry.body).toString())
      if (isBody(body)) open.note(body)
      // As verify counts: what is damaged must not decide what the manifest looks like.
      tally.add(isBody(body) ? body.kind : 'unreadable', isHash(entry.hash) ? entry.hash : leafHashOfBytes(entry.body))
    }
  }
  if (tally.entries === 0 && head.nextSeq > 0 && log.minIndex > 0) throw pruned(session)
  const manifest = tally.manifest(final, open.seqs())
  const stored = head.manifestN === null ? null : await reader.entry(head.manifestN)
  return { ...manifest, entries: tally.entries, storedN: stored?.hash === manifest.hash ? stored.n : null }
}

function pruned(session: string): AegisError {
  return new AegisError('conflict', `session ${session} begins with entries that were archived and pruned`, {
    advice:
      'Take its bundle out of the archive: `aegisctl evidence extract --archive FILE --session SESSION --out FILE`.',
  })
}

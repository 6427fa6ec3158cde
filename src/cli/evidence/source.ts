import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { AegisError } from '../../core/errors.ts'
import { decodeUtf8Strict } from '../../core/strict-json.ts'
import { embeddedBundle } from '../../ledger/bundle/embedded-bundle.ts'
import type { EvidenceBundle } from '../../ledger/format/bundle-format.ts'
import { isArchive } from '../../ledger/keeping/read-archive.ts'
import type { LedgerReader } from '../../ledger/store.ts'
import { MAX_BUNDLE_BYTES, readBundle } from '../../ledger/verify/read-bundle.ts'
import type { Context } from '../context.ts'
import { demandOwnServer } from '../other-user.ts'

export interface StoreOptions {
  readonly store?: string
  readonly json?: boolean
}

/** Opens the store for reading only, as it is now. */
export async function withReader<T>(
  options: StoreOptions,
  context: Context,
  use: (reader: LedgerReader, grows: () => boolean) => Promise<T>,
): Promise<T> {
  const { openReader } = await import('../../store/open.ts')
  const store = await openReader(await storeSetting(options, context))
  try {
    return await use(store.ledger, store.grows)
  } finally {
    await store.close()
  }
}

/** A gateway signs within a second of an append; times what that takes on a loaded machine, in milliseconds. */
const SIGNED_WITHIN = 5000
const LOOK_AGAIN = 150
/** Milliseconds after which an entry without a signature is not about to get one. */
const SIGNED_OR_NEVER = 30_000

/** The same once the newest checkpoint covers the session, or is not going to. */
export async function withSignedSession<T>(
  options: StoreOptions,
  context: Context,
  typed: string,
  use: (reader: LedgerReader, session: string) => Promise<T>,
): Promise<T> {
  for (let waited = 0; ; waited += LOOK_AGAIN) {
    const done = await withReader(options, context, async (reader, grows) => {
      const session = await resolveSession(reader, typed)
      const settled = waited >= SIGNED_WITHIN || (await isSigned(reader, session)) || !grows()
      return settled ? { answer: await use(reader, session) } : null
    })
    if (done !== null) return done.answer
    await wait(LOOK_AGAIN)
  }
}

async function isSigned(reader: LedgerReader, session: string): Promise<boolean> {
  const checkpoint = await reader.latestCheckpoint()
  const head = await reader.session(session)
  if (head === null || head.lastN < (checkpoint?.size ?? 0)) return true
  const last = await reader.entry(head.lastN)
  return Date.now() - Date.parse(last?.ts ?? '') > SIGNED_OR_NEVER
}

/** Loads the configuration only where the store is not named: verifying someone else's needs no installation. */
async function storeSetting({ store }: StoreOptions, context: Context): Promise<string> {
  if (store !== undefined) return /^postgres(ql)?:/i.test(store) ? store : resolve(context.cwd, store)
  if (!context.env['AEGIS_STORE']) demandOwnServer(context, 'the evidence', 'sudo aegisctl evidence …')
  const { loadConfig } = await import('../../config.ts')
  return loadConfig({ env: context.env, home: context.home, cwd: context.cwd }).store
}

/** The full id of the session somebody typed. @throws AegisError `not_found`, `invalid_params` */
export async function resolveSession(reader: LedgerReader, typed: string): Promise<string> {
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

/** Is the file an archive of bundles, by its first bytes? Of a pipe they could not be read again. */
export function looksArchived(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false
    const beginning = Buffer.alloc(64)
    const descriptor = openSync(file, 'r')
    const length = readSync(descriptor, beginning)
    closeSync(descriptor)
    return isArchive(beginning.toString('utf8', 0, length))
  } catch {
    // Whatever is wrong with it is told where it is read.
    return false
  }
}

/** What is no bundle, or only a part of one, is neither valid nor tampered: nothing can be said of it. */
export function bundleIn(file: string): EvidenceBundle {
  const bytes = readBounded(file)
  try {
    const text = embeddedBundle(decodeUtf8Strict(bytes))
    if (text === null) throw new Error('it is a page with no bundle in it, or with more than one')
    return readBundle(text)
  } catch (cause) {
    throw new AegisError('cannot_decide', `${file} is not a whole evidence bundle: ${reasonOf(cause)}`, {
      advice: 'Export it again with `aegisctl evidence export`, or ask its sender for the whole file.',
      cause,
    })
  }
}

function readBounded(file: string): Uint8Array {
  try {
    const { size } = statSync(file)
    if (size <= MAX_BUNDLE_BYTES) return readFileSync(file)
  } catch (cause) {
    throw new AegisError('not_found', `${file} cannot be read: ${reasonOf(cause)}`, { cause, path: '--bundle' })
  }
  throw new AegisError('too_large', `${file} is larger than ${MAX_BUNDLE_BYTES} bytes`, { path: '--bundle' })
}

export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

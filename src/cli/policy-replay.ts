import { closeSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { replayWire } from '../admin/policy-wire.ts'
import { loadConfig } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import { isObject, type JsonObject } from '../core/json.ts'
import type { EvidenceBundle } from '../ledger/format/bundle-format.ts'
import type { EntryWithPayloads, LedgerReader, StoredEntry } from '../ledger/store.ts'
import {
  addedUp,
  bundledPolicies,
  compileSources,
  createReplay,
  type DocumentsOf,
  findPolicy,
  type PolicySource,
  type Replay,
  type ReplayReport,
} from '../policy-set/index.ts'
import type { PolicyHistory } from '../store/open.ts'
import { adminEndpoint, ask } from './client.ts'
import { type Context, processContext } from './context.ts'
import { bundleIn, withReader } from './evidence/source.ts'
import { jsonText } from './output.ts'
import { reportOf, reportText } from './replay-report.ts'

export interface ReplayOptions {
  readonly policy?: readonly string[]
  readonly version?: string
  readonly against?: string
  readonly upstreams?: readonly string[]
  readonly failOnChange?: boolean
  readonly json?: boolean
}

/** Exit 0; with `--fail-on-change` 1 where a decision would change. What cannot be told is counted apart. */
export async function replay(options: ReplayOptions): Promise<void> {
  const context = processContext()
  const { against } = options
  const report = against === undefined ? await byServer(context, options) : await byHand(context, options, against)
  context.out(options.json ? jsonText(replayWire(report)) : reportText(report))
  if (options.failOnChange && report.changed > 0) process.exitCode = 1
}

/** The running server judges, stretch by stretch: it knows the versions that decided. */
async function byServer(context: Context, options: ReplayOptions): Promise<ReplayReport> {
  return replayAtServer(context, await policyOf(context, options))
}

/** @param policy as the server is told: `{version}` or `{sources}`. */
export async function replayAtServer(context: Context, policy: JsonObject): Promise<ReplayReport> {
  const endpoint = adminEndpoint(context)
  const reports: ReplayReport[] = []
  for (let from = 0; ; ) {
    const answer = await ask(endpoint, 'POST', '/admin/v1/policies/replay', { policy, from })
    reports.push(reportOf(answer))
    const { next, size } = isObject(answer) ? answer : {}
    if (typeof next !== 'number') return addedUp(reports)
    progress(context, next, typeof size === 'number' ? size : next)
    from = next
  }
}

async function policyOf(context: Context, options: ReplayOptions): Promise<JsonObject> {
  const { version } = options
  if (version === undefined) {
    return { sources: (await sourcesOf(context, options)).map(({ file, text }) => ({ file: basename(file), text })) }
  }
  if (/^[1-9]\d{0,8}$/.test(version) && options.policy === undefined) return { version: Number(version) }
  throw new AegisError('invalid_params', '--version is the number of one version, in place of --policy', {
    advice: 'Take it from `aegisctl policy history`.',
  })
}

async function sourcesOf(context: Context, { policy }: ReplayOptions): Promise<readonly PolicySource[]> {
  const sources: PolicySource[] = []
  for (const name of policy ?? loadConfig(context).policies) {
    const file = await findPolicy(name, [bundledPolicies()], context.cwd)
    sources.push({ file, text: await readFile(file, 'utf8') })
  }
  return sources
}

/** Without a server: the store or the bundle is read here. A bundle does not hold the policies that decided. */
async function byHand(context: Context, options: ReplayOptions, against: string): Promise<ReplayReport> {
  if (options.version !== undefined) {
    throw new AegisError('invalid_params', 'a version is known to the running server alone', {
      advice: 'Leave out --against, or name files with --policy.',
    })
  }
  const { documents } = compileSources(await sourcesOf(context, options), options.upstreams ?? null)
  if (!isStore(against)) return createReplay(documents, async () => null).judge(entriesIn(bundleIn(against)))
  const { openPolicies } = await import('../store/open.ts')
  const setting = /^(?:postgres(?:ql)?|file):/i.test(against) ? against : resolve(context.cwd, against)
  const policies = await openPolicies(setting)
  try {
    const judge = createReplay(documents, documentsIn(policies, options.upstreams ?? null))
    return await withReader({ store: setting }, context, (reader) => overStore(context, reader, judge))
  } finally {
    await policies.close()
  }
}

/** What a row says is taken where it compiles to the digest that the entry names: then it is what decided. */
function documentsIn(policies: Pick<PolicyHistory, 'ofDigest'>, upstreams: readonly string[] | null): DocumentsOf {
  return async (digest) => {
    // A store from before versions were kept knows none.
    const versions = await policies.ofDigest(digest).catch(() => [])
    for (const { sources } of versions) {
      const compiled = compiledOrNull(sources, upstreams)
      if (compiled?.policy.digest === digest) return compiled.documents
    }
    return null
  }
}

function compiledOrNull(sources: readonly PolicySource[], upstreams: readonly string[] | null) {
  try {
    return compileSources(sources, upstreams)
  } catch {
    return null
  }
}

const SQLITE = 'SQLite format 3\0'

/** Read by its first bytes: a bundle is text. */
function isStore(against: string): boolean {
  if (/^(?:postgres(?:ql)?|file):/i.test(against)) return true
  try {
    const beginning = Buffer.alloc(SQLITE.length)
    const descriptor = openSync(against, 'r')
    try {
      readSync(descriptor, beginning)
    } finally {
      closeSync(descriptor)
    }
    return beginning.toString('latin1') === SQLITE
  } catch {
    // Whatever is wrong with it is told where it is read.
    return false
  }
}

function entriesIn({ entries, disclosures }: EvidenceBundle): readonly EntryWithPayloads[] {
  return entries.map(({ n, body, hash }) => ({
    entry: storedEntry(n, body, hash),
    payloads: disclosures
      .filter((disclosure) => disclosure.n === n)
      .map(({ path, salt, value }) => ({ n, path, salt: Buffer.from(salt, 'hex'), value: Buffer.from(value) })),
  }))
}

function storedEntry(n: number, body: string, hash: string): StoredEntry {
  const nowhere = { eid: null, session: null, seq: null, env: null, ts: null, prev: null }
  return { ...nowhere, n, kind: '', hash, body: Buffer.from(body) }
}

async function overStore(context: Context, reader: LedgerReader, judge: Replay): Promise<ReplayReport> {
  const size = (await reader.head())?.size ?? 0
  let report = addedUp([])
  for await (const page of reader.entries(0)) {
    const whole: EntryWithPayloads[] = []
    for (const entry of page) whole.push({ entry, payloads: entry.eid === null ? [] : await reader.payloads(entry.n) })
    report = addedUp([report, await judge.judge(whole)])
    progress(context, (page.at(-1)?.n ?? 0) + 1, size)
  }
  return report
}

/** Only where somebody looks, and only over itself. */
function progress(context: Context, done: number, size: number): void {
  if (!process.stderr.isTTY) return
  context.err(`\r${done} of ${size} entries${done >= size ? '\n' : ''}`)
}

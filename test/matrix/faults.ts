import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '../../src/ledger/audit/verify-log.ts'
import { parseTrustPolicy } from '../../src/ledger/notes/trust-policy.ts'
import { SESSION } from '../support/drafts.ts'
import { openEvidence, removeFolder, signingIn } from '../support/evidence-store.ts'

/** Runs the built code. */
const GATEWAY = join(import.meta.dirname, '../support/faulty-disk.mjs')
const FILES = ['aegis.db', 'aegis.db-wal', 'aegis.db-shm', 'log.key', 'log.vkey', 'log.checkpoint']
/** A gateway that does not end by itself is one that hangs, in milliseconds. */
const PATIENCE = 30_000

/** What a disk may answer. `kill`: the process dies as it asks. */
type Answer = 'EIO' | 'ENOSPC' | 'EINTR' | 'kill'

/** Which system calls on the store's files answer what. `most`: so many of their occurrences, spread over all. */
const CALLS = [
  { call: 'pwrite64', answers: ['EIO', 'ENOSPC', 'EINTR', 'kill'], most: 24 },
  { call: 'write', answers: ['EIO', 'ENOSPC', 'EINTR', 'kill'], most: 8 },
  { call: 'fdatasync', answers: ['EIO', 'ENOSPC', 'kill'], most: 12 },
  { call: 'fsync', answers: ['EIO', 'ENOSPC', 'kill'], most: 16 },
  { call: 'ftruncate', answers: ['EIO', 'kill'], most: 4 },
  { call: 'rename', answers: ['EIO', 'ENOSPC', 'kill'], most: 8 },
  { call: 'unlink', answers: ['EIO', 'kill'], most: 4 },
  { call: 'openat', answers: ['EIO', 'ENOSPC', 'kill'], most: 12 },
  { call: 'close', answers: ['EIO', 'kill'], most: 8 },
] as const satisfies readonly { call: string; answers: readonly Answer[]; most: number }[]

/** After these a disk stays as it is: full, or broken. */
const LASTING = ['pwrite64', 'fdatasync', 'fsync'] as const
/** KiB no file may be longer than: a write across the limit is cut short, the next one fails. */
const LENGTHS = [5, 17, 33, 64, 101, 149]

export type Fault =
  | { readonly kind: 'call'; readonly call: string; readonly answer: Answer; readonly at: number; readonly on: boolean }
  | { readonly kind: 'length'; readonly kib: number }

export function nameOf(fault: Fault): string {
  if (fault.kind === 'length') return `short writes: no file longer than ${fault.kib} KiB`
  return `${fault.answer} at ${fault.call} ${fault.at}${fault.on ? ' and ever after' : ''}`
}

/** Null where faults can be injected, else why they cannot. */
export function unavailable(): string | null {
  const { error, status, stderr } = spawnSync('strace', ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true'])
  if (error !== undefined) return 'strace is not installed'
  return status === 0 ? null : `strace may not trace here: ${String(stderr).trim()}`
}

/** Every fault there is to inject into an undisturbed run, which is made to count. */
export async function allFaults(): Promise<readonly Fault[]> {
  const calls = await inFolder(async (folder) => {
    const trace = join(folder, 'trace')
    const run = await gateway(folder, ['-o', trace])
    if (!run.said.includes('closed')) throw new Error(`the undisturbed gateway failed: ${run.errors}`)
    return readFileSync(trace, 'utf8')
  })
  const counted = (call: string) => calls.split(`${call}(`).length - 1
  const single = CALLS.flatMap(({ call, answers, most }) =>
    spread(counted(call), most).flatMap((at) =>
      answers.map((answer): Fault => ({ kind: 'call', call, answer, at, on: false })),
    ),
  )
  const lasting = LASTING.flatMap((call) =>
    spread(counted(call), 4).flatMap((at) =>
      (['EIO', 'ENOSPC'] as const).map((answer): Fault => ({ kind: 'call', call, answer, at, on: true })),
    ),
  )
  return [...single, ...lasting, ...LENGTHS.map((kib): Fault => ({ kind: 'length', kib }))]
}

function spread(count: number, most: number): number[] {
  const taken = Math.min(count, most)
  return Array.from({ length: taken }, (_, index) => 1 + Math.floor((index * count) / taken))
}

/** Lets a gateway meet the fault, then looks at what is left of its evidence. In words what is wrong with it; null where nothing is. */
export function complaintOf(fault: Fault): Promise<string | null> {
  return inFolder(async (folder) => {
    const run = await gateway(folder, tampering(fault), fault.kind === 'length' ? fault.kib : null)
    return endOf(run, fault) ?? (await lossOf(folder, acknowledgedIn(run.said)))
  })
}

function tampering(fault: Fault): string[] {
  if (fault.kind === 'length') return []
  const what = fault.answer === 'kill' ? 'signal=SIGKILL' : `error=${fault.answer}`
  return ['-e', `inject=${fault.call}:${what}:when=${fault.at}${fault.on ? '+' : ''}`]
}

interface Run {
  readonly said: readonly string[]
  readonly signal: string | null
  readonly errors: string
}

function gateway(folder: string, options: readonly string[], kib: number | null = null): Promise<Run> {
  const paths = [folder, ...FILES.flatMap((name) => [join(folder, name), join(folder, `${name}.new`)])]
  const traced = CALLS.map(({ call }) => call).join()
  const strace = ['strace', '-f', '--seccomp-bpf', '-qq', ...(options.includes('-o') ? [] : ['-o', '/dev/null'])]
  const command = [...strace, ...paths.flatMap((path) => ['-P', path]), '-e', `trace=${traced}`, ...options]
  const limit = kib === null ? '' : `ulimit -f ${kib}; `
  const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...command, process.execPath, GATEWAY, folder], {
    // Counted by thread: one for the store, one for what is done beside it.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE,
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (_, signal) => resolve({ said: output.split('\n'), signal, errors }))
  })
}

function endOf({ signal, said, errors }: Run, fault: Fault): string | null {
  const killed = fault.kind === 'call' && fault.answer === 'kill'
  if (signal !== null && !(killed && signal === 'SIGKILL')) return `the gateway ended by ${signal}: ${errors}`
  const refused = said.findIndex((line) => line.startsWith('refused'))
  const strange = said.find((line) => line.startsWith('refused') && line !== 'refused evidence_unavailable')
  if (strange !== undefined) return `it says ${strange}`
  const synced = fault.kind === 'call' && fault.call === 'fdatasync'
  return synced && refused >= 0 ? heedless(said, refused) : null
}

/** What the disk holds after a failed sync nobody knows: before a restart has looked nothing is acknowledged, and nothing more is signed. */
function heedless(said: readonly string[], refused: number): string | null {
  const acknowledged = Math.max(0, ...acknowledgedIn(said).keys())
  const after = said.slice(refused)
  if (after.some((line) => line.startsWith('ack'))) return 'it went on after a failed sync'
  const signed = after.flatMap((line) => /^signed (\d+)$/.exec(line)?.[1] ?? [])
  return signed.some((size) => Number(size) > acknowledged + 1) ? 'it signed what a failed sync may have lost' : null
}

function acknowledgedIn(said: readonly string[]): ReadonlyMap<number, string> {
  const acks = said.flatMap((line) => /^ack (\d+) (\w{64})$/.exec(line) ?? [])
  const found = new Map<number, string>()
  for (let at = 0; at + 2 < acks.length; at += 3) found.set(Number(acks[at + 1]), acks[at + 2] ?? '')
  return found
}

/** Starts a gateway on what is left, on a disk that is well again. */
async function lossOf(folder: string, acknowledged: ReadonlyMap<number, string>): Promise<string | null> {
  const evidence = await openEvidence(folder, signingIn(folder)).catch((error: Error) => error)
  if (evidence instanceof Error) return `it does not open again: ${evidence.name} ${evidence.message}`
  const { ledger, stores } = evidence
  try {
    for (const [n, hash] of acknowledged) {
      if ((await stores.ledger.entry(n))?.hash !== hash) return `the acknowledged entry ${n} is lost`
    }
    await ledger.sign()
    const parsed = parseTrustPolicy(readFileSync(join(folder, 'log.vkey'), 'utf8'))
    if (!parsed.ok) return 'its public key is no key'
    const { valid, findings, belowTrust } = await verifyLog(stores.ledger, {
      pins: { policy: parsed.policy, named: true },
      remembered: readFileSync(join(folder, 'log.checkpoint'), 'utf8'),
    })
    const open = findings.some((finding) => finding.class === 'UNRESOLVED')
    if (!valid || belowTrust !== null || open) return `it does not verify: ${belowTrust} ${JSON.stringify(findings)}`
    if (acknowledged.size > 0 && !(await ledger.verify(SESSION)).valid) return 'the session does not verify'
    return null
  } finally {
    await evidence.close()
  }
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-faults-'))
  try {
    return await use(folder)
  } finally {
    removeFolder(folder)
  }
}

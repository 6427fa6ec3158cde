import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { startCountingUpstream } from './counting-upstream.ts'
import { makeServed, type Served } from './served.ts'
import { sqlite } from './sqlite-shell.ts'

/** Callers that never stop asking. At most as many effects can be under way at once. */
const CALLERS = 6
/** Milliseconds of load at full speed before a kill, at most. */
const LOAD_MS = 400
/** A start takes about this long: a kill within it meets recovery. */
const START_MS = 700

export interface CrashReport {
  readonly acknowledged: number
  readonly forwarded: number
  readonly intents: number
  readonly orphans: number
}

/**
 * Kills `aegis serve` again and again at random points of a load over HTTP, every third time also while it starts, and
 * looks after each restart whether the evidence holds. Throws what a test says where it does not.
 */
export async function crash(kills: number): Promise<CrashReport> {
  const upstream = await startCountingUpstream({ before: () => sleep(Math.random() * 4) })
  const settings = { upstreams: { github: { catalog: 'github', url: upstream.url } } }
  const aegis = makeServed({ settings })
  const acknowledged = new Set<string>()
  const seen = () => upstream.calls.map(({ raw }) => markerIn(raw))
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      if (kill % 3 === 2) await killWhileStarting(aegis)
      await aegis.start()
      const load = Array.from({ length: CALLERS }, (_, caller) =>
        callUntilDead(aegis, `crash-${caller}`, `k${kill}c${caller}`, acknowledged),
      )
      // Most kills meet a server at full speed, some one that has just begun.
      if (kill % 4 !== 3) await grown(acknowledged)
      await sleep(Math.random() * LOAD_MS)
      await aegis.kill()
      await Promise.all(load)
      expectSound(aegis, 'killed')
      expectRecorded(aegis, acknowledged, seen(), CALLERS)
    }
    await aegis.start()
    expectSound(aegis, 'restarted')
    const { intents, orphans } = expectRecorded(aegis, acknowledged, seen(), 0)
    expect(await aegis.stop()).toBe(0)
    return { acknowledged: acknowledged.size, forwarded: upstream.calls.length, intents, orphans }
  } finally {
    await aegis.close()
    await upstream.close()
  }
}

async function killWhileStarting(aegis: Served): Promise<void> {
  const started = aegis.start().catch(() => 'killed')
  await sleep(Math.random() * START_MS)
  await aegis.kill()
  await started
}

async function grown(set: ReadonlySet<string>): Promise<void> {
  const before = set.size
  for (let waited = 0; set.size === before && waited < 10_000; waited += 2) await sleep(2)
}

/** One call after the other, each with a marker of its own, until the server is gone. */
async function callUntilDead(aegis: Served, session: string, name: string, acknowledged: Set<string>): Promise<void> {
  const { mcp } = aegis.urls
  for (let index = 0; ; index += 1) {
    const marker = `${name}n${index}.md`
    const params = { name: 'get_file_contents', arguments: { owner: 'acme', repo: 'app', path: marker } }
    try {
      const answer = await fetch(`${mcp}/mcp/github`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${aegis.agentKey}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'x-aegis-session': session,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: index, method: 'tools/call', params }),
      })
      const text = await answer.text()
      if (JSON.parse(text).result === undefined) throw new Error(text)
    } catch (error) {
      // What fetch says of a dead server; anything else is an answer that should not have been given.
      if (error instanceof TypeError) return
      throw error
    }
    acknowledged.add(marker)
  }
}

function markerIn(text: string): string {
  return /k\d+c\d+n\d+\.md/.exec(text)?.[0] ?? text
}

/** Every session verifies. Where the server has started since, nothing is open: what the crash swallowed is an orphan. */
function expectSound(aegis: Served, state: 'killed' | 'restarted'): void {
  const listed = aegis.aegisctl('evidence', 'sessions', '--json')
  expect(listed.status, listed.stderr).toBe(0)
  const sessions: { session: string }[] = JSON.parse(listed.stdout)
  for (const { session } of sessions) {
    const { status, stdout, stderr } = aegis.aegisctl('evidence', 'verify', '--session', session, '--json')
    // What no checkpoint covers yet is less than the installation's own key asks for; the next start signs it.
    expect(state === 'killed' ? [0, 4] : [0], stdout + stderr).toContain(status)
    const { valid, findings }: { valid: boolean; findings: { class: string }[] } = JSON.parse(stdout)
    expect(valid).toBe(true)
    const classes = new Set(findings.map((finding) => finding.class))
    classes.delete('CLOCK_BACKWARDS')
    if (state === 'killed') for (const kind of ['UNRESOLVED', 'TORN_TAIL']) classes.delete(kind)
    expect([...classes]).toEqual([])
  }
}

/** What was acknowledged has decision and result; what reached the upstream has its intent; nothing was sent twice. */
function expectRecorded(
  aegis: Served,
  acknowledged: ReadonlySet<string>,
  forwarded: readonly string[],
  open: number,
): { intents: number; orphans: number } {
  const rows = sqlite(
    aegis.store,
    `SELECT e.env, e.kind, ifnull(json_extract(CAST(e.body AS TEXT), '$.effect'), ''), ifnull(hex(p.value), '')
     FROM ledger_entry e LEFT JOIN ledger_payload p ON p.n = e.n AND p.path = 'params' WHERE e.env IS NOT NULL;`,
  )
  const intents = new Map<string, string>()
  const ends = new Map<string, string>()
  for (const [env = '', kind = '', effect = '', params = ''] of rows) {
    if (kind === 'allow' && effect === 'forward') {
      intents.set(markerIn(Buffer.from(params, 'hex').toString()), env)
    } else if (kind === 'result' || kind === 'orphan') {
      expect(ends.has(env), `${env} ends once`).toBe(false)
      ends.set(env, kind)
    }
  }
  for (const marker of acknowledged) expect(ends.get(intents.get(marker) ?? ''), marker).toBe('result')
  expect(new Set(forwarded).size, 'nothing is sent twice').toBe(forwarded.length)
  for (const marker of forwarded) expect(intents.has(marker), `${marker} was recorded before it was sent`).toBe(true)
  expect(forwarded.length).toBeLessThanOrEqual(intents.size)
  const unended = [...intents.values()].filter((env) => !ends.has(env))
  expect(unended.length).toBeLessThanOrEqual(open)
  return { intents: intents.size, orphans: [...ends.values()].filter((kind) => kind === 'orphan').length }
}

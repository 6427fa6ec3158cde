/** `npm run bench [-- --quick] [--json FILE]`: ratios first, all paths side by side in one run. See bench/README.md. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs, promisify } from 'node:util'
import { startAegis } from './aegis.ts'
import { growthFigures } from './ledger.ts'
import { connect, round, type Target } from './load.ts'
import { decideMicroseconds, ledgerFigures } from './micro.ts'
import { startOthers } from './others.ts'
import { measurePaths, type Path, type Row, rowOf, type Transport } from './paths.ts'
import { peopleFigures } from './people.ts'
import { postgresFigures } from './postgres.ts'
import { residentMiB, startPeer, stopPeer } from './processes.ts'
import { type Command, connectStdio } from './stdio.ts'

const { values } = parseArgs({
  options: {
    ...{ quick: { type: 'boolean' }, json: { type: 'string' }, rss: { type: 'boolean' } },
    // Also proxies that others wrote, fetched for this.
    others: { type: 'boolean' },
    // Only the ledger, filled to so many entries.
    ledger: { type: 'string' },
    // Only the ledger on PostgreSQL.
    postgres: { type: 'boolean' },
    // Only what people wait for, over so many entries (a million); on one database where it is named.
    ...{ people: { type: 'boolean' }, entries: { type: 'string' }, store: { type: 'string' } },
  },
})
const rounds = values.quick ? 2 : 5
const seconds = values.quick ? 1.5 : 4
const say = (line: string) => console.error(line)

if (values.ledger !== undefined) {
  const figures = await growthFigures(Number(values.ledger), say)
  console.table(figures.append_per_s_at)
  console.log(`opened ${figures.entries} entries in ${figures.open_ms} ms`)
  console.table(figures.verify)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  process.exit()
}

if (values.people) {
  const figures = await peopleFigures(Number(values.entries ?? 1_000_000), values.store ?? null, say)
  console.table(figures)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  process.exit()
}

if (values.postgres) {
  const figures = await postgresFigures(rounds, seconds, say)
  console.table(figures)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  process.exit()
}

const peer = (name: string) => new URL(`./peers/${name}.js`, import.meta.url)
const upstream = await startPeer(peer('upstream'))
const direct = `http://127.0.0.1:${upstream.port}/mcp`
const passThrough = await startPeer(peer('pass-through'), [direct])
const sdkProxy = await startPeer(peer('sdk-proxy'), [direct])
const stdioUpstream = peer('stdio-upstream').pathname
const aegis = await startAegis(direct, stdioUpstream)
const others = values.others ? await startOthers(direct, stdioUpstream, say) : null
const local = (port: number) => ({ url: `http://127.0.0.1:${port}/mcp` })
const governed = (url: string) => ({ url, headers: { 'x-api-key': aegis.key } })

const http = (path: Path['path'], target: Target, transport: Transport = 'http'): Path => ({
  ...{ path, transport },
  connect: (c, tool) => connect(target, c, tool),
})
const stdio = (path: Path['path'], command: Command): Path => ({
  ...{ path, transport: 'stdio' as const },
  connect: (_c, tool) => connectStdio(command, tool),
})
const rows = await measurePaths(
  [
    http('direct', { url: direct }),
    http('sdk-proxy', local(sdkProxy.port)),
    http('pass-through', local(passThrough.port)),
    http('aegis', governed(aegis.url)),
    http('aegis', governed(aegis.stdioUrl), 'http-stdio'),
    stdio('direct', { file: process.execPath, args: [stdioUpstream] }),
    stdio('aegis', aegis.bridge),
    ...(others === null
      ? []
      : [
          http('civic-passthrough', { url: others.urls['civic-passthrough'] }),
          http('mcp-proxy', { url: others.urls['mcp-proxy'] }, 'http-stdio'),
          http('supergateway', { url: others.urls.supergateway }, 'http-stdio'),
        ]),
  ],
  rounds,
  seconds,
  say,
)
others?.close()
const memory = values.rss ? await memoryGrowth() : null
const rssMiB = await residentMiB(aegis.pid)
await aegis.close()
await Promise.all([upstream, passThrough, sdkProxy].map(stopPeer))

say('decisions, appends, verification, starts')
const decideUs = { '20': decideMicroseconds(20), '1000': decideMicroseconds(1000), '10000': decideMicroseconds(10_000) }
const ledger = await ledgerFigures(values.quick ? 20_000 : 100_000)
const starts = await startTimes()

const at = (path: Row['path'], c: number, transport?: Transport) => rowOf(rows, path, c, transport)
const ratio = (other: Row['path'], c: number) => round(at('aegis', c).calls_per_s / at(other, c).calls_per_s, 2)
const report = {
  rows,
  added_p50_ms: round(at('aegis', 1).p50_ms - at('direct', 1).p50_ms),
  ratio_to_pass_through: {
    '1': ratio('pass-through', 1),
    '8': ratio('pass-through', 8),
    '64': ratio('pass-through', 64),
  },
  added_p50_ms_stdio: round(at('aegis', 1, 'stdio').p50_ms - at('direct', 1, 'stdio').p50_ms),
  ...(others === null ? {} : { to_others: comparison() }),
  ratio_to_sdk_proxy: { '1': ratio('sdk-proxy', 1), '8': ratio('sdk-proxy', 8), '64': ratio('sdk-proxy', 64) },
  decide_us: decideUs,
  verify_per_s: ledger.verify_per_s,
  append_per_s: ledger.append_per_s,
  append_ratio_to_bare_sync: round(ledger.append_per_s / ledger.bare_sync_per_s, 2),
  start_ms: starts,
  rss_mb: rssMiB,
  ...(memory === null ? {} : { rss_growth_mb: memory }),
}
print(report)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)

/** Against each proxy of others over the same transport: calls/s at c = 8 as a ratio, p50 at c = 1 as a difference in milliseconds. */
function comparison() {
  const pairs = [
    ['civic-passthrough', 'http'],
    ['mcp-proxy', 'http-stdio'],
    ['supergateway', 'http-stdio'],
  ] as const
  return Object.fromEntries(
    pairs.map(([name, transport]) => {
      const calls = at('aegis', 8, transport).calls_per_s / at(name, 8, transport).calls_per_s
      const p50 = at('aegis', 1, transport).p50_ms - at(name, 1, transport).p50_ms
      return [name, { transport, calls_ratio_c8: round(calls, 2), p50_difference_ms_c1: round(p50) }]
    }),
  )
}

/** Resident memory after 1,000 and after 100,000 governed calls. */
async function memoryGrowth() {
  const connection = await connect({ url: aegis.url, headers: { 'x-api-key': aegis.key } }, 8, 'get_file_contents')
  const calls = async (count: number) => {
    let left = count
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (left-- > 0) await connection.call()
      }),
    )
  }
  await calls(1000)
  const before = await residentMiB(aegis.pid)
  await calls(99_000)
  const after = await residentMiB(aegis.pid)
  await connection.close()
  return { after_1000: before, after_100000: after }
}

/** Milliseconds from start to end of a process, best of several: bare Node, `aegisctl --help`, `aegis hook --help`. */
async function startTimes() {
  const run = promisify(execFile)
  const program = (name: string) => new URL(`../src/cli/${name}.js`, import.meta.url).pathname
  const commands = {
    node: ['-e', '0'],
    aegisctl_help: [program('aegisctl'), '--help'],
    aegis_hook: [program('aegis'), 'hook', '--help'],
  }
  const best: Record<string, number> = {}
  for (let i = 0; i < 7; i++) {
    for (const [name, args] of Object.entries(commands)) {
      const start = performance.now()
      await run(process.execPath, args).catch(() => undefined)
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, round(performance.now() - start, 1))
    }
  }
  return best
}

function print(result: typeof report): void {
  console.log('ratios (calls/s of aegis to that of the other path)')
  console.table({ 'to pass-through': result.ratio_to_pass_through, 'to sdk-proxy': result.ratio_to_sdk_proxy })
  console.log(`added p50 at c = 1: ${result.added_p50_ms} ms over direct, evidence durable twice`)
  console.log(`added p50 over stdio on both sides: ${result.added_p50_ms_stdio} ms`)
  if (result.to_others !== undefined) console.table(result.to_others)
  console.table(rows)
  console.table({ 'decide, us by rules': decideUs })
  console.log(
    `append ${result.append_per_s}/s by 64 callers (${result.append_ratio_to_bare_sync} of bare write+fdatasync), verify ${result.verify_per_s}/s`,
  )
  console.table({ 'start, ms': starts })
  console.log(`resident memory of the server: ${result.rss_mb} MiB`, memory ?? '')
}

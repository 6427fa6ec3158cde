/** Aegis as a person would run it: `aegis init`, then `aegis serve`, policy pr-writer, SQLite, synchronous=FULL. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Command } from './stdio.ts'

const PROGRAM = new URL('../src/cli/aegis.js', import.meta.url).pathname
const KEY = 'bench-agent-key'

export interface AegisUnderTest {
  /** Before the upstream over HTTP. */
  readonly url: string
  /** Before the upstream over stdio. */
  readonly stdioUrl: string
  /** A client's command for the same over stdio on both sides. */
  readonly bridge: Command
  readonly key: string
  readonly pid: number | undefined
  close(): Promise<void>
}

export async function startAegis(upstreamUrl: string, stdioUpstream: string): Promise<AegisUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-bench-'))
  const env = { ...process.env, AEGIS_CONFIG_DIR: join(folder, 'config'), AEGIS_DATA_DIR: join(folder, 'data') }
  await promisify(execFile)(process.execPath, [PROGRAM, 'init', '--policy', 'pr-writer', '--api-key', KEY], { env })
  const config = [
    'version: 1',
    'listen: { host: 127.0.0.1, port: 0, admin_port: 0 }',
    'policy: pr-writer',
    'upstreams:',
    `  github: { catalog: github, url: "${upstreamUrl}" }`,
    `  local: { catalog: github, command: ["${process.execPath}", "${stdioUpstream}"] }`,
  ]
  writeFileSync(join(folder, 'config', 'aegis.yaml'), `${config.join('\n')}\n`)
  const log = join(folder, 'log')
  const { openSync } = await import('node:fs')
  const child = spawn(process.execPath, [PROGRAM, 'serve'], { env, stdio: ['ignore', openSync(log, 'w'), 'inherit'] })
  const url = await mcpUrl(log, () => child.exitCode)
  return {
    url: `${url}/mcp/github`,
    stdioUrl: `${url}/mcp/local`,
    bridge: { file: process.execPath, args: [PROGRAM, 'mcp', '--upstream', 'local'], env },
    key: KEY,
    pid: child.pid,
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function mcpUrl(log: string, exitCode: () => number | null): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const found = /MCP at (http:\S+?)\/mcp/.exec(readFileSync(log, 'utf8'))?.[1]
    if (found !== undefined) return found
    if (exitCode() !== null) break
    await sleep(50)
  }
  throw new Error(`aegis did not start: ${readFileSync(log, 'utf8')}`)
}

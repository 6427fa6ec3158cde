import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { installWithNode22 } from './node22.ts'

export type Revision = '2025-11-25' | '2026-07-28'

/** What the suite says of one server. */
export interface Verdict {
  /** Scenarios that count for the revision, by name, with what failed in each: none where it passed. */
  readonly scored: ReadonlyMap<string, readonly string[]>
  /** Extensions and newer scenarios: run, and not counted by the suite. */
  readonly unscored: ReadonlyMap<string, readonly string[]>
}

export type Conformance =
  | {
      /** The server at the URL; `name` tells its verdict from others. */
      judge(url: string, revision: Revision, name: string): Promise<Verdict>
      /** A client, by its command; the suite adds the URL of the server that it plays. What failed. */
      judgeClient(command: string, revision: Revision, scenario: string): Promise<readonly string[]>
    }
  | { readonly skipped: string }

/** Failures that are put up with: none. */
const BASELINE = join(import.meta.dirname, 'conformance-baseline.yml')
const MARK = /^[✓✗] (\S+): \d+ passed, \d+ failed$/gm

/** The conformance suite of MCP, pinned, in this folder. */
export async function getConformance(folder: string): Promise<Conformance> {
  const installed = await installWithNode22(folder, ['@modelcontextprotocol/conformance@0.2.0-alpha.12'])
  if ('skipped' in installed) return installed
  const { node, modules, env } = installed
  const program = join(modules, '.bin/conformance')
  // Its exit status says the same as what it wrote.
  const options = { env, cwd: folder, timeout: 500_000, maxBuffer: 64 * 1024 * 1024 }
  const run = (words: readonly string[]) =>
    new Promise<string>((resolve) => {
      execFile(node, [program, ...words], options, (_error, stdout, stderr) => resolve(stdout + stderr))
    })
  return {
    async judge(url, revision, name) {
      const out = join(folder, `${name}-${revision}`)
      const which = ['--url', url, '--requirements', revision, '--expected-failures', BASELINE]
      return readVerdict(await run(['server', ...which, '-o', out]), out, required(modules, revision))
    },
    async judgeClient(command, revision, scenario) {
      const out = join(folder, `client-${revision}-${scenario}`)
      const which = ['--command', command, '--scenario', scenario, '--spec-version', revision]
      const said = await run(['client', ...which, '-o', out])
      const failed = failures(out, scenario)
      return failed.length === 0 && !said.includes('OVERALL: PASSED') ? [said.slice(-1000)] : failed
    },
  }
}

/** The scenarios that count, as the suite itself lists them. */
function required(modules: string, revision: Revision): ReadonlySet<string> {
  const file = join(modules, '@modelcontextprotocol/conformance/requirements', `${revision}.yaml`)
  const { server }: { server: string[] } = parse(readFileSync(file, 'utf8'))
  return new Set(server)
}

function readVerdict(said: string, out: string, scored: ReadonlySet<string>): Verdict {
  const summary = said.slice(said.indexOf('=== SUMMARY ==='))
  const all = [...summary.matchAll(MARK)].map(([, name]) => name ?? '')
  if (all.length === 0) throw new Error(`the suite came to no end: ${said.slice(-2000)}`)
  const failed = new Map(all.map((name) => [name, failures(out, name)]))
  const those = (counted: boolean) => new Map([...failed].filter(([name]) => scored.has(name) === counted))
  return { scored: those(true), unscored: those(false) }
}

function failures(out: string, scenario: string): string[] {
  const folder = readdirSync(out).find(
    (name) => name.replace(/-\d{4}-\d\d-\d\dT.*/, '').replace(/^server-/, '') === scenario,
  )
  if (folder === undefined) return ['it could not be run']
  const checks: { id: string; status: string; errorMessage?: string }[] = JSON.parse(
    readFileSync(join(out, folder, 'checks.json'), 'utf8'),
  )
  return checks.filter(({ status }) => status === 'FAILURE').map(({ id, errorMessage }) => `${id}: ${errorMessage}`)
}

import { execFile, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The Inspector, pinned, and the Node that it needs; we run on older ones too. */
const PACKAGES = ['node@22', '@modelcontextprotocol/inspector@2.12.0'] as const

export type Inspector =
  | { run(url: string, key: string, words: readonly string[]): SpawnSyncReturns<string> }
  | { readonly skipped: string }

/** Installs the Inspector into the folder and nowhere else, or says why it cannot be had. */
export async function getInspector(folder: string): Promise<Inspector> {
  const words = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, ...PACKAGES]
  try {
    await promisify(execFile)('npm', words, { cwd: folder, timeout: 400_000 })
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    return { skipped: `npm could not install it: ${stderr.trim().split('\n').at(-1)}` }
  }
  const modules = join(folder, 'node_modules')
  const node = join(modules, '.bin', 'node')
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (version.status !== 0)
    return { skipped: `node@22 does not start here: ${version.error?.message ?? version.stderr}` }
  const launcher = join(modules, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  return {
    run: (url, key, more) => {
      const target = ['--cli', url, '--transport', 'http', '--header', `Authorization: Bearer ${key}`]
      return spawnSync(node, [launcher, ...target, ...more], { env, cwd: folder, encoding: 'utf8', timeout: 60_000 })
    },
  }
}

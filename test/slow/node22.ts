import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type Installed =
  | { readonly node: string; readonly modules: string; readonly env: Readonly<Record<string, string>> }
  | { readonly skipped: string }

/** Installs programs that need Node 22, and that Node, into the folder and nowhere else; or says why they cannot be had. */
export async function installWithNode22(folder: string, packages: readonly string[]): Promise<Installed> {
  const words = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'node@22', ...packages]
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
  return { node, modules, env: { PATH: process.env['PATH'] ?? '', HOME: folder } }
}

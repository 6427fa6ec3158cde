import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { installWithNode22 } from './node22.ts'

export type Inspector =
  | { run(url: string, key: string, words: readonly string[]): SpawnSyncReturns<string> }
  | { readonly skipped: string }

/** The Inspector, pinned, in this folder. */
export async function getInspector(folder: string): Promise<Inspector> {
  const installed = await installWithNode22(folder, ['@modelcontextprotocol/inspector@2.12.0'])
  if ('skipped' in installed) return installed
  const { node, modules, env } = installed
  const launcher = join(modules, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  return {
    run: (url, key, more) => {
      const target = ['--cli', url, '--transport', 'http', '--header', `Authorization: Bearer ${key}`]
      return spawnSync(node, [launcher, ...target, ...more], { env, cwd: folder, encoding: 'utf8', timeout: 60_000 })
    },
  }
}

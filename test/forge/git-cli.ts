import { execFileSync } from 'node:child_process'

/** What git itself says about a bare repository: the oracle of these tests. */
export function gitSays(gitDir: string, ...args: readonly string[]): string {
  return execFileSync('git', ['--git-dir', gitDir, ...args], { encoding: 'utf8' }).trim()
}

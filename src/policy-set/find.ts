import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AegisError } from '../core/errors.ts'
import { nearest } from '../core/spelling.ts'

const MARK = join('policies', 'pr-writer.yaml')

/** The folder of the packs that come with the program: `policies/` of the package, in a checkout and in an installation alike. */
export function bundledPolicies(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, MARK))) return join(folder, 'policies')
    if (folder === dirname(folder))
      throw new AegisError('config', 'the bundled policies are missing', { advice: 'install the package again' })
  }
}

/**
 * The file of a policy named by path (it holds a `/` or ends in `.yaml` or `.yml`) or by a pack's name, which is looked
 * for in the folders in turn.
 * @throws AegisError `config` naming what was looked for and what there is.
 */
export async function findPolicy(name: string, folders: readonly string[], cwd: string): Promise<string> {
  if (isPath(name)) {
    const file = isAbsolute(name) ? name : resolve(cwd, name)
    if (await isFile(file)) return file
    throw new AegisError('config', `no policy file ${name}`, {
      path: file,
      advice: 'name an existing file, or a pack by its bare name',
    })
  }
  for (const folder of folders) {
    for (const ending of ['.yaml', '.yml']) {
      const file = join(folder, `${name}${ending}`)
      if (await isFile(file)) return file
    }
  }
  const packs = await listPacks(folders)
  const near = nearest(name, packs)
  throw new AegisError('config', `no policy named \`${name}\``, {
    advice: near === null ? `there are: ${packs.join(', ')}` : `did you mean \`${near}\`?`,
  })
}

/** Names of the packs in these folders. */
export async function listPacks(folders: readonly string[]): Promise<readonly string[]> {
  const names = new Set<string>()
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => [])
    for (const file of files) {
      if (/\.ya?ml$/.test(file) && !/\.cases\.ya?ml$/.test(file)) names.add(file.replace(/\.ya?ml$/, ''))
    }
  }
  return [...names].sort()
}

function isPath(name: string): boolean {
  return name.includes('/') || name.includes('\\') || /\.ya?ml$/.test(name)
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

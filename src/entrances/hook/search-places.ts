import { isAbsolute, join } from 'node:path'
import { AegisError } from '../../core/errors.ts'

/** Alternatives of one pattern; nobody types more. */
const MOST = 64
const BRACES = /^([^{}]*)\{([^{}]*)\}(.*)$/s

/**
 * The files a search with `glob` below `folder` looks into, as paths that rules can match: `*.{pem,ts}` is `**` + `/*.pem` and
 * `**` + `/*.ts`. ripgrep's `--glob` overrides every ignore file, so a pattern such as `.en?` or `*` prints what a plain search
 * keeps back.
 * @throws AegisError `invalid_request` where a pattern could stand for names that no rule would recognise in it
 */
export function searchedPaths(folder: string, glob: string): readonly string[] {
  // A pattern that only leaves out files brings none back.
  const wanted = glob.split(/\s+/).filter((one) => one !== '' && !one.startsWith('!'))
  if (wanted.length === 0) return [folder]
  return alternatives(wanted, glob).map((one) => {
    if (!one.split('/').every(isPlain) || !namesFiles(one)) throw unclear(glob)
    return one.startsWith('/') ? join(folder, one) : join(folder, '**', one)
  })
}

/** The folder that a pattern of file names starts from. @throws AegisError `invalid_request` where it climbs behind a wildcard */
export function globFolder(folder: string, pattern: string): string {
  const parts = pattern.split('/')
  const wild = parts.findIndex((part) => /[*?[\]{}!()\\]/.test(part))
  const fixed = wild < 0 ? parts.slice(0, -1) : parts.slice(0, wild)
  if (wild >= 0 && /(?:^|[/{,])\.\.(?:[/},]|$)/.test(parts.slice(wild).join('/'))) throw unclear(pattern)
  const start = fixed.join('/')
  if (!isAbsolute(pattern)) return join(folder, start)
  return start === '' ? '/' : join(start)
}

function alternatives(patterns: readonly string[], whole: string): readonly string[] {
  const found = patterns.flatMap((pattern): readonly string[] => {
    const [, before = '', inside, behind = ''] = BRACES.exec(pattern) ?? []
    if (inside === undefined) return [pattern]
    return alternatives(
      inside.split(',').map((one) => before + one + behind),
      whole,
    )
  })
  if (found.length > MOST) throw unclear(whole)
  return found
}

function isPlain(part: string): boolean {
  return part !== '..' && (part === '*' || part === '**' || !/[?[\]{}()!\\]/.test(part))
}

/** The last name is written out, or all but its beginning: `*.ts` and `test_*.py`, not `*`, `.e*` or `id_*`. */
function namesFiles(pattern: string): boolean {
  const parts = pattern.split('/')
  const name = parts.at(-1) ?? ''
  const folders = parts.slice(0, -1)
  if (folders.some((part) => part.includes('*') && !/^\*\*?$/.test(part))) return false
  return /^(?:[^*]+|(?:[^.*][^*]*)?\*\.[^*]+)$/.test(name)
}

function unclear(glob: string): AegisError {
  return new AegisError(
    'invalid_request',
    `the pattern ${JSON.stringify(glob.slice(0, 100))} could stand for any file`,
    {
      path: 'tool_input.glob',
      advice: 'Name the kind of file, such as `*.ts` or `**/*.{md,txt}`, or leave the pattern out',
    },
  )
}

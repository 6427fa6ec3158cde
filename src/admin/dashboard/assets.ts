import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AegisError } from '../../core/errors.ts'

/** A file that pages load, under an address that changes with its content. */
export interface Asset {
  readonly name: string
  readonly type: string
  /** `/assets/<name>?<8 hex of the content>`: may be kept for ever. */
  readonly url: string
  readonly body: string
}

const TYPES = {
  'dashboard.css': 'text/css',
  'page.js': 'text/javascript',
  'approvals.js': 'text/javascript',
  'live.js': 'text/javascript',
  'mark.svg': 'image/svg+xml',
} as const

export type Assets = Readonly<Record<keyof typeof TYPES, Asset>>

/** Read once, at the start. @throws AegisError `internal` where the installation lacks them */
export function readAssets(): Assets {
  const folder = assetsFolder()
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const styles = readdirSync(join(folder, 'styles')).sort()
  const page = asset('page.js', read('page.js'))
  const approvals = asset('approvals.js', linked(read('approvals.js'), [page]))
  return {
    'dashboard.css': asset('dashboard.css', compact(styles.map((name) => read(join('styles', name))).join(''))),
    'page.js': page,
    'approvals.js': approvals,
    'live.js': asset('live.js', linked(read('live.js'), [page, approvals])),
    'mark.svg': asset('mark.svg', read('mark.svg')),
  }
}

/** A module that names the others by the addresses which change with their content. */
function linked(text: string, others: readonly Asset[]): string {
  return others.reduce((linkedText, { name, url }) => linkedText.replace(`from './${name}'`, `from '${url}'`), text)
}

/** Without comments and layout: every first visit loads it. */
function compact(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\n\s*/g, '\n')
    .replace(/ \{\n/g, '{')
    .replace(/;\n\}/g, '}')
    .replace(/;\n/g, ';')
}

function asset(name: keyof typeof TYPES, body: string): Asset {
  return { name, type: TYPES[name], url: `/assets/${name}?${hash('sha256', body, 'hex').slice(0, 8)}`, body }
}

/** `assets/` lies beside `src/`, and beside `dist/` once built. */
function assetsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (const up of ['../../..', '../../../..']) {
    const folder = join(here, up, 'assets')
    if (existsSync(join(folder, 'page.js'))) return folder
  }
  throw new AegisError('internal', 'the folder assets is missing from this installation')
}

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Verifier } from './case.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Where the verifier checks something. */
const FILES = [
  ...inRoom('format', 'body', 'chain', 'erasure-claim', 'manifest', 'opening'),
  ...inRoom(
    'verify',
    'bundle-proofs',
    'damage',
    'json-outline',
    'read-bundle',
    'report',
    'semantics',
    'session-verifier',
  ),
  ...inRoom('verify', 'testimony', 'trust', 'verify-bundle', 'walk', 'walk-selection'),
  ...inRoom('audit', 'head-row', 'log-tree', 'signed-tree', 'verify-log', 'verify-stored'),
  ...inRoom('notes', 'note', 'checkpoint', 'cosignature', 'tlog-proof', 'trust-policy', 'vkey', 'base64'),
  'ledger/erasures.js',
  'ledger/merkle/verify-proof.js',
]

function inRoom(room: string, ...names: string[]): string[] {
  return names.map((name) => `ledger/${room}/${name}.js`)
}

export interface Mutant {
  readonly file: string
  /** From 1, in the compiled file. */
  readonly line: number
  /** What was there, in short. */
  readonly removed: string
  readonly source: string
}

/** What makes the verifier a whole: see `Verifier`. */
const PARTS = [
  'ledger/audit/verify-stored',
  'ledger/verify/verify-bundle',
  'ledger/audit/verify-log',
  'ledger/verify/read-bundle',
  'ledger/verify/report',
  'ledger/notes/trust-policy',
  'ledger/merkle/verify-proof',
  'cli/evidence/anchored',
]

/** The verifier as it is now, and nothing else, compiled into `folder`. */
export function compile(folder: string): void {
  const project = join(folder, 'tsconfig.json')
  const compilerOptions = {
    rootDir: ROOT,
    outDir: folder,
    declaration: false,
    typeRoots: [join(ROOT, 'node_modules/@types')],
  }
  const files = PARTS.map((name) => join(ROOT, 'src', `${name}.ts`))
  writeFileSync(project, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] }))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const made = spawnSync(process.execPath, [tsc, '-p', project])
  if (made.status !== 0) throw new Error(`the verifier does not compile: ${made.stdout}`)
}

/** Each check of the compiled verifier, removed: what reports is silent, what guards never holds, what is demanded is granted. */
export function mutantsIn(folder: string): Mutant[] {
  return FILES.flatMap((file) => {
    const source = readFileSync(join(folder, 'src', file), 'utf8')
    const code = withoutComments(source)
    return [...reports(code), ...guards(code), ...conjuncts(code)].map(({ from, to, by }) => ({
      file,
      line: source.slice(0, from).split('\n').length,
      removed: source.slice(from, to).replace(/\s+/g, ' ').slice(0, 100),
      source: source.slice(0, from) + by + source.slice(to),
    }))
  })
}

/** Blanks in their place. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '))
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly by: string
}

/** `findings.add(...)` and its like as statements of their own. */
function reports(source: string): Edit[] {
  const calls = /(?<=^|[;{}\s)])(?:findings\.add|faults\.push|log\.push|proofs\.fault|fault|forged)\(/gm
  return [...source.matchAll(calls)].flatMap(({ index, 0: call }) => {
    const before = source.slice(0, index).trimEnd()
    if (/(?:return|function|=>|[=?:])$/.test(before)) return []
    const to = closing(source, index + call.length - 1) + 1
    return [{ from: index, to, by: 'void 0' }]
  })
}

function guards(source: string): Edit[] {
  return [...source.matchAll(/\bif \(/g)].map(({ index, 0: head }) => {
    const from = index + head.length - 1
    const to = closing(source, from) + 1
    return { from, to, by: '(false)' }
  })
}

/** Each operand of a chain of `&&` within a `return` or a condition. */
function conjuncts(source: string): Edit[] {
  return [...source.matchAll(/ (&&|\|\|) /g)].flatMap(({ index, 0: sign }) => {
    const to = operandEnd(source, index + sign.length)
    return [{ from: index, to, by: '' }]
  })
}

function operandEnd(source: string, start: number): number {
  for (let at = start; at < source.length; at += 1) {
    const character = source[at] ?? ''
    if ('([{'.includes(character)) at = closing(source, at)
    else if (/["'`]/.test(character)) at = source.indexOf(character, at + 1)
    else if (')];,?}'.includes(character) || (character === '\n' && !/^\s*[.&|?]/.test(source.slice(at)))) return at
    else if (
      /^ (?:&&|\|\||\?) /.test(source.slice(at, at + 4)) ||
      /^\s+(?:&&|\|\||\?) /.test(source.slice(at, at + 20))
    )
      return at
  }
  return source.length
}

/** The bracket that closes the one at `open`. Text in quotes holds none that matter in these files but balanced ones. */
function closing(source: string, open: number): number {
  let depth = 0
  for (let at = open; at < source.length; at += 1) {
    const character = source[at] ?? ''
    if (character === "'" || character === '`') at = source.indexOf(character, at + 1)
    else if ('([{'.includes(character)) depth += 1
    else if (')]}'.includes(character)) {
      depth -= 1
      if (depth === 0) return at
    }
  }
  throw new Error('unbalanced')
}

/** A verifier of its own, with this one check gone; null where what is left is no program. */
export async function mutated(compiled: string, mutant: Mutant, number: number): Promise<Verifier | null> {
  const folder = join(compiled, `mutant-${number}`)
  mkdirSync(folder)
  for (const part of ['core', 'ledger', 'anchors', 'cli/evidence'])
    cpSync(join(compiled, 'src', part), join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, mutant.file), mutant.source)
  return loadVerifier(folder).catch(() => null)
}

/** The verifier compiled into this folder. */
export async function loadVerifier(folder: string): Promise<Verifier> {
  const load = (name: string) => import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)
  const parts = await Promise.all(PARTS.map((name) => load(`${name}.js`)))
  return Object.assign({}, ...parts)
}

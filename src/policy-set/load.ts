import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { AegisError } from '../core/errors.ts'
import {
  type CompiledPolicy,
  compilePolicy,
  type PolicyDocument,
  type Problem,
  parsePolicy,
  problemLine,
} from '../core/policy/index.ts'
import { bundledPolicies, findPolicy } from './find.ts'
import { readYaml } from './read-yaml.ts'
import type { PolicySource } from './version.ts'

export interface PolicySources {
  /** Names of packs, or paths. At least one. */
  readonly sources: readonly string[]
  /** Names of configured upstreams: one without a catalog has its tools named `<upstream>.<tool>`. Null: not known, not checked. */
  readonly upstreams: readonly string[] | null
  /** Where packs are looked for, in turn. Without it: the packs that come with the program. */
  readonly folders?: readonly string[]
  /** Relative paths start here. Without it: the working directory. */
  readonly cwd?: string
}

/** Policy files as they were read, and what they compile to. */
export interface LoadedPolicies {
  readonly files: readonly string[]
  /** Their texts. */
  readonly sources: readonly PolicySource[]
  readonly documents: readonly PolicyDocument[]
  readonly policy: CompiledPolicy
}

/** The same without the places of the files; documents in the order of the texts. */
export type CompiledSources = Omit<LoadedPolicies, 'files'>

export type PolicyReading =
  | { readonly ok: true; readonly file: string; readonly document: PolicyDocument }
  | { readonly ok: false; readonly file: string; readonly name: string; readonly problems: readonly Problem[] }

/** Reads the text of a policy file: syntax, meaning, lint. Reports every problem, throws none. */
export function readPolicyText(text: string, file: string, upstreams: readonly string[] | null): PolicyReading {
  const yaml = readYaml(text)
  if (!yaml.ok) return { ok: false, file, name: basename(file).replace(/\.ya?ml$/, ''), problems: yaml.problems }
  return { ...parsePolicy(yaml.tree, { source: file, toolPrefixes: upstreams }), file }
}

/** @throws AegisError `config` where the file cannot be read. */
export async function readPolicyFile(file: string, upstreams: readonly string[] | null): Promise<PolicyReading> {
  return readPolicyText(await readText(file), file, upstreams)
}

/**
 * Loads all policies or none.
 * @throws AegisError `config` with the first problem in its message, all of them in `data.problems`.
 */
export async function loadPolicies(from: PolicySources): Promise<LoadedPolicies> {
  const { sources, upstreams, folders = [bundledPolicies()], cwd = process.cwd() } = from
  const files = new Set<string>()
  for (const name of sources) files.add(await findPolicy(name, folders, cwd))
  const texts: PolicySource[] = []
  for (const file of files) texts.push({ file, text: await readText(file) })
  return { ...compileSources(texts, upstreams), files: [...files] }
}

/**
 * Compiles texts that were read before: all or none.
 * @throws AegisError `config` as `loadPolicies`
 */
export function compileSources(texts: readonly PolicySource[], upstreams: readonly string[] | null): CompiledSources {
  const documents = texts.map(({ file, text }): PolicyDocument => {
    const reading = readPolicyText(text, file, upstreams)
    if (!reading.ok) throw refusal(reading)
    return reading.document
  })
  const sources = texts.map(({ file, text }) => ({ file: basename(file), text }))
  return { sources, documents, policy: compilePolicy(documents) }
}

/** The error for a file that does not load: ``policy `pr-writer` line 12: unknown decision `deney`, did you mean `deny`?`` */
export function refusal({ file, name, problems }: Extract<PolicyReading, { ok: false }>): AegisError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  const where = first === undefined ? '' : ` line ${first.line}`
  return new AegisError('config', `policy \`${name}\`${where}: ${first?.message ?? 'not readable'}${more}`, {
    path: first === undefined ? file : `${file}:${first.line}:${first.column}`,
    advice: `mend it and check with \`aegisctl policy lint ${file}\``,
    data: { problems: problems.map((problem) => problemLine(file, problem)) },
  })
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AegisError('config', `cannot read the policy file ${file}: ${reason}`, { path: file, cause })
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new AegisError('config', `the policy file ${file} is not UTF-8`, {
      path: file,
      cause,
      advice: 'save it as UTF-8',
    })
  }
}

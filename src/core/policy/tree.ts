/** A place in a policy file. Lines and columns count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A value of a policy file with its place. The reader of the file's syntax makes it, `parse.ts` gives it meaning. */
export type Tree = ScalarTree | ListTree | MappingTree

export interface ScalarTree {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  readonly at: Position
}

export interface ListTree {
  readonly kind: 'list'
  readonly items: readonly Tree[]
  readonly at: Position
}

export interface MappingTree {
  readonly kind: 'mapping'
  /** In file order; a key written twice stands here twice, so that it can be reported. */
  readonly entries: readonly TreeEntry[]
  readonly at: Position
}

export interface TreeEntry {
  readonly key: string
  readonly keyAt: Position
  readonly value: Tree
}

/** One mistake in a policy file, where it stands, and in the message how to mend it. */
export interface Problem extends Position {
  readonly message: string
}

/** `policies/team.yaml:12:15: unknown decision ...`, the form editors and terminals turn into a link. */
export function problemLine(file: string, problem: Problem): string {
  return `${file}:${problem.line}:${problem.column}: ${problem.message}`
}

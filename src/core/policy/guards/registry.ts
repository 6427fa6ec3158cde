import { hint } from '../../spelling.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { type ConfiguredGuard, GUARD_NAMES, type GuardName, type ReadGuard } from './guard.ts'

/** How each guard reads its settings. */
export const GUARDS: Readonly<Partial<Record<GuardName, ReadGuard>>> = {}

/** The guards of a policy: every mistake in them is noted with the reader. */
export function readGuards(reader: Reader, entry: TreeEntry | undefined): readonly ConfiguredGuard[] {
  if (entry === undefined) return []
  if (entry.value.kind !== 'mapping') {
    reader.problem(entry.value.at, '`guards` must be a mapping of guards by name')
    return []
  }
  const found: ConfiguredGuard[] = []
  for (const member of entry.value.entries) {
    const name = GUARD_NAMES.find((known) => known === member.key)
    const read = name === undefined ? undefined : GUARDS[name]
    if (read === undefined) {
      reader.problem(member.keyAt, `unknown guard \`${member.key}\`${hint(member.key, GUARD_NAMES)}`)
      continue
    }
    const guard = read(reader, member)
    if (guard !== null) found.push(guard)
  }
  return found
}

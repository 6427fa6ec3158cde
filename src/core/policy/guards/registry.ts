import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { readBlastRadius } from './blast-radius.ts'
import { type ConfiguredGuard, GUARD_NAMES, type GuardName, type ReadGuard } from './guard.ts'
import { readProtectedBranches } from './protected-branches.ts'
import { readSecrets } from './secrets.ts'

/** How each guard reads its settings. */
export const GUARDS: Readonly<Partial<Record<GuardName, ReadGuard>>> = {
  protected_branches: readProtectedBranches,
  secrets: readSecrets,
  blast_radius: readBlastRadius,
}

/** The guards of a policy; `off` is as if the key were not there. Every mistake in them is noted with the reader. */
export function readGuards(reader: Reader, entry: TreeEntry | undefined): readonly ConfiguredGuard[] {
  if (entry === undefined) return []
  if (entry.value.kind !== 'mapping') {
    reader.problem(entry.value.at, '`guards` is a mapping of guards by name, such as { secrets: block }')
    return []
  }
  const members = reader.members(entry.value, '`guards`', GUARD_NAMES)
  return GUARD_NAMES.flatMap((name) => {
    const member = members[name]
    if (member === undefined || isOff(member)) return []
    const read = GUARDS[name]
    if (read === undefined) reader.problem(member.keyAt, `the guard \`${name}\` is not part of this release`)
    const guard = read?.(reader, member) ?? null
    return guard === null ? [] : [guard]
  })
}

function isOff({ value }: TreeEntry): boolean {
  return value.kind === 'scalar' && (value.value === 'off' || value.value === false)
}

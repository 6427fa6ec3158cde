import { isObject, type Json } from '../../json.ts'
import type { Reader } from '../reader.ts'
import type { TreeEntry } from '../tree.ts'
import { readAutonomousMerge } from './autonomous-merge.ts'
import { readBlastRadius } from './blast-radius.ts'
import { fitsRewrites, readBranchNaming } from './branch-naming.ts'
import { readCiRequired } from './ci-required.ts'
import { readFreezeWindows } from './freeze-windows.ts'
import { type ConfiguredGuard, GUARD_NAMES, type GuardName, type ReadGuard } from './guard.ts'
import { readMandatoryPr } from './mandatory-pr.ts'
import { readProtectedBranches } from './protected-branches.ts'
import { readRepoAllowlist } from './repo-allowlist.ts'
import { readRepoTaint } from './repo-taint.ts'
import { readSecrets } from './secrets.ts'
import { readSensitivePaths } from './sensitive-paths.ts'
import { isOff } from './settings.ts'

/** How each guard reads its settings. */
export const GUARDS: Readonly<Record<GuardName, ReadGuard>> = {
  protected_branches: readProtectedBranches,
  freeze_windows: readFreezeWindows,
  branch_naming: readBranchNaming,
  mandatory_pr: readMandatoryPr,
  autonomous_merge: readAutonomousMerge,
  ci_required: readCiRequired,
  repo_allowlist: readRepoAllowlist,
  sensitive_paths: readSensitivePaths,
  secrets: readSecrets,
  blast_radius: readBlastRadius,
  repo_taint: readRepoTaint,
}

/** The guards of a policy; `off` is as if the key were not there. Every mistake in them is noted with the reader. */
export function readGuards(reader: Reader, entry: TreeEntry | undefined): readonly ConfiguredGuard[] {
  if (entry === undefined) return []
  if (entry.value.kind !== 'mapping') {
    reader.problem(entry.value.at, '`guards` is a mapping of guards by name, such as { secrets: block }')
    return []
  }
  const members = reader.members(entry.value, '`guards`', GUARD_NAMES)
  const found = GUARD_NAMES.flatMap((name) => {
    const member = members[name]
    if (member === undefined || isOff(member)) return []
    const guard = GUARDS[name](reader, member)
    return guard === null ? [] : [guard]
  })
  checkTogether(reader, found, members.branch_naming)
  return found
}

/** A direct write that becomes a branch which another guard refuses would never get through. */
function checkTogether(reader: Reader, found: readonly ConfiguredGuard[], naming: TreeEntry | undefined): void {
  const settingsOf = (name: GuardName) => found.find(({ guard }) => guard.name === name)?.settings
  const [branches, names] = [settingsOf('protected_branches'), settingsOf('branch_naming')]
  if (naming === undefined || !isObject(branches) || branches['decision'] !== 'rewrite' || !isObject(names)) return
  const { patterns } = names
  const texts = Array.isArray(patterns) ? patterns.filter((text: Json) => typeof text === 'string') : []
  if (fitsRewrites(texts)) return
  reader.problem(
    naming.value.at,
    'no pattern fits `aegis/{session}/{task}`, the branches that `protected_branches` makes of direct writes: add that pattern, or let `protected_branches` block',
  )
}

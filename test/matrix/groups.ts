import type { Group } from './case.ts'
import { fieldMutations } from './fields.ts'

/** What can be judged without a process, a disk or a server. */
export const IN_MEMORY: readonly (() => Promise<Group>)[] = [fieldMutations]

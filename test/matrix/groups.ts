import { oneCheckAlone } from './alone.ts'
import type { Group } from './case.ts'
import { erasing } from './erased.ts'
import { fieldMutations } from './fields.ts'
import { bundleForgeries, forgeries } from './forgeries.ts'
import { forms } from './forms.ts'
import { consistentRewrites, truncations } from './history.ts'
import { hostileInput } from './hostile.ts'
import { links } from './links.ts'
import { clocks, meaning } from './meaning.ts'
import { orderOfEntries } from './order.ts'
import { proofs } from './proofs.ts'
import { pruning } from './pruned.ts'
import { rowsBeside } from './rows.ts'
import { texts } from './texts.ts'
import { wholeLogs } from './whole.ts'

/** What can be judged without a process, a disk or a server. */
export const IN_MEMORY: readonly (() => Promise<Group>)[] = [
  fieldMutations,
  orderOfEntries,
  consistentRewrites,
  truncations,
  forgeries,
  bundleForgeries,
  texts,
  proofs,
  hostileInput,
  clocks,
  erasing,
  meaning,
  oneCheckAlone,
  links,
  rowsBeside,
  wholeLogs,
  forms,
  pruning,
]

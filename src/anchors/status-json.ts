import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { AnchorStatus } from './lane.ts'

/** How an anchor stands, as REST and `--json` give it: stable, snake_case. */
export function anchorStatusJson(status: AnchorStatus): JsonObject {
  const { name, kind, anchoredSize, newestSize, lagEntries, lagSeconds, attempts, lastError } = status
  return {
    ...{ name, kind },
    anchored_size: anchoredSize,
    newest_size: newestSize,
    lag_entries: lagEntries,
    lag_seconds: Math.round(lagSeconds),
    attempts,
    last_error: lastError && { fault: lastError.fault, message: lastError.message, at: rfc3339(lastError.at) },
  }
}

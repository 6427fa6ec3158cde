import { createHash } from 'node:crypto'
import { canonicalize } from '../core/canonical.ts'
import type { Sha256 } from '../core/ids.ts'
import type { Json, JsonObject } from '../core/json.ts'

/** Characters of a canonical definition that are kept for people to look at. Past it only the digest tells one from another. */
const KEPT = 32 * 1024

/** A tool's definition, as it is pinned. */
export interface Definition {
  readonly digest: Sha256
  /** Of all but what the two eras of MCP write differently. */
  readonly core: Sha256
  /** Canonical JSON (RFC 8785), or null where it is too long to be kept. */
  readonly text: string | null
}

/**
 * All that a model or a person may be shown of a tool: name, title, description, schemas, annotations, and whatever later
 * revisions add. `_meta` is for programs and changes with every answer of some servers; `icons` are pictures by their URL.
 */
export function definitionOf(tool: JsonObject): Definition {
  // Without a prototype: a member named `__proto__` is a member like any other, and must not slip through unpinned.
  const shown: Record<string, Json> = Object.create(null)
  for (const [key, value] of Object.entries(tool)) if (key !== '_meta' && key !== 'icons') shown[key] = value
  const text = canonicalize(shown)
  const { outputSchema: _output, execution: _execution, ...core } = shown
  return {
    digest: hashOf('aegis-tool/1\0', text),
    core: hashOf('aegis-tool-core/1\0', canonicalize(core)),
    text: text.length <= KEPT ? text : null,
  }
}

function hashOf(purpose: string, text: string): Sha256 {
  return createHash('sha256').update(purpose).update(text).digest('hex') as Sha256
}

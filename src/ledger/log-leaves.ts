import { canonicalBody } from '../core/canonical.ts'
import type { JsonObject } from '../core/json.ts'
import { rfc3339 } from '../core/runtime.ts'
import type { CredentialEnd, PolicyChange } from './draft.ts'
import { VERSION } from './entry.ts'
import type { Leaf, LeafKind, Scribe } from './seal.ts'

/** A leaf of the log itself, which belongs to no session's chain: who wrote it, when, and what it says. */
export function logLeaf(scribe: Scribe, kind: LeafKind, what: JsonObject): Leaf {
  const { gateway: gw, origin: log, clock } = scribe
  return { leaf: kind, text: canonicalBody({ ...what, gw, kind, log, ts: rfc3339(clock.now()), v: VERSION }) }
}

/** A gateway started on a log of this size, with these settings of the store. */
export function bootLeaf(scribe: Scribe, size: number, store: Readonly<Record<string, string>>): Leaf {
  return logLeaf(scribe, 'boot', { size, store: { ...store } })
}

/** From the checkpoint that covers this leaf on, the log is signed by this key. */
export function keyLeaf(scribe: Scribe, vkey: string): Leaf {
  return logLeaf(scribe, 'key', { vkey })
}

/** Refusals that an outage kept from being recorded, and between which times. Times in milliseconds since the epoch. */
export function gapLeaf(scribe: Scribe, count: number, from: number, to: number): Leaf {
  return logLeaf(scribe, 'gap', { count, from: rfc3339(from), to: rfc3339(to) })
}

/** A lent credential is gone, and who had issued it. The entry of its call's result could not wait for that. */
export function credentialLeaf(scribe: Scribe, end: CredentialEnd): Leaf {
  return logLeaf(scribe, 'credential', {
    ...(end.app !== null && { app_id: end.app }),
    env: end.envelope,
    ...(end.installation !== null && { installation_id: end.installation }),
    issued: rfc3339(end.issuedAt),
    [end.how]: rfc3339(end.at),
    scope: end.scope,
    token_sha256: end.tokenSha256,
    type: end.type,
  })
}

/** Names told of a policy made of many documents. */
const MAX_NAMES = 64

/** Another policy is in force. What `sha256` names decides from the entries on that name it. */
export function policyLeaf(scribe: Scribe, change: PolicyChange): Leaf {
  const { names } = change
  return logLeaf(scribe, 'policy', {
    ...(change.by !== null && { by: change.by }),
    cause: change.cause,
    names:
      names.length <= MAX_NAMES ? [...names] : [...names.slice(0, MAX_NAMES - 1), `[+${names.length - MAX_NAMES + 1}]`],
    ...(change.of !== null && { of: change.of }),
    sha256: change.sha256,
    sources_sha256: change.sourcesSha256,
    version: change.version,
  })
}

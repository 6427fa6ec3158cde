import { isObject, type Json, type JsonObject, textMember } from '../core/json.ts'
import { coveringErasure, type ErasureClaim, readErasure } from '../ledger/erasures.ts'
import type { EntryBody } from '../ledger/format/body.ts'
import type { EvidenceBundle } from '../ledger/format/bundle-format.ts'
import { opens } from '../ledger/format/opening.ts'
import type { DamageClass } from '../ledger/verify/damage.ts'
import type { VerifyReport } from '../ledger/verify/report.ts'
import type { Pins } from '../ledger/verify/trust.ts'
import { verifyBundle } from '../ledger/verify/verify-bundle.ts'

/** A value an entry commits to, as the bundle shows it. */
export type Value = { readonly path: string } & (
  | { readonly state: 'shown'; readonly value: Json }
  /** Something is disclosed that is not what was committed to. */
  | { readonly state: 'false' }
  | { readonly state: 'withheld' }
  | { readonly state: 'erased'; readonly erasure: ErasureClaim; readonly leaf: number }
)

export interface ReportedEntry {
  readonly n: number
  readonly body: EntryBody
  readonly values: readonly Value[]
  /** What verification found wrong with it: then nothing it says is to be believed. */
  readonly damage: readonly DamageClass[]
}

/** All that a report tells, taken from the bundle and what verifying it came to. */
export interface Material {
  readonly bundle: EvidenceBundle
  readonly verdict: VerifyReport
  readonly entries: readonly ReportedEntry[]
  /** Entries whose text cannot be read. */
  readonly unreadable: number
}

export function gather(bundle: EvidenceBundle, pins: Pins | null): Material {
  const disclosed = new Map(bundle.disclosures.map((disclosure) => [`${disclosure.n}/${disclosure.path}`, disclosure]))
  const bodies: { n: number; body: EntryBody }[] = []
  const verdict = verifyBundle(bundle, { pins, onEntry: (body, n) => bodies.push({ n, body }) })
  const erased = bundle.erasures.flatMap(({ n, body }) => {
    const claim = readErasure(body)
    return claim === null ? [] : [{ ...claim, leaf: n }]
  })
  const entries = bodies.map(({ n, body }) => ({
    ...{ n, body },
    values: Object.entries(body.commit).map(([path, mac]) => valueIn(n, path, mac)),
    damage: [
      ...new Set(
        verdict.findings.flatMap((found) => (found.severity === 'error' && found.n === n ? [found.class] : [])),
      ),
    ],
  }))
  return { bundle, verdict, entries, unreadable: bundle.entries.length - entries.length }

  function valueIn(n: number, path: string, mac: string): Value {
    const disclosure = disclosed.get(`${n}/${path}`)
    if (disclosure !== undefined) {
      const honest = opens(mac, Buffer.from(disclosure.salt, 'hex'), path, disclosure.value)
      return honest ? { path, state: 'shown', value: parsed(disclosure.value) } : { path, state: 'false' }
    }
    const erasure = coveringErasure(erased, n, path)
    return erasure === undefined ? { path, state: 'withheld' } : { path, state: 'erased', erasure, leaf: erasure.leaf }
  }
}

function parsed(canonical: string): Json {
  try {
    return JSON.parse(canonical)
  } catch {
    return canonical
  }
}

/** A member that is an object, else an empty one: bodies of another version hold what they like. */
export function part(body: EntryBody, name: string): JsonObject {
  const value = body.whole[name]
  return isObject(value) ? value : {}
}

export function word(object: JsonObject, name: string): string {
  return textMember(object, name) ?? ''
}

import { leafHash } from '../../src/ledger/format/chain.ts'
import { appendLeaves, EMPTY, EMPTY_ROOT, type Hash, nodeHash, rootOf } from '../../src/ledger/merkle/tree.ts'
import type { Case, Group, Verifier } from './case.ts'

/** Leaf hashes of a log, and what RFC 6962 (section 2.1) says of it by recursion, with nothing of the verifier's in it. */
const LEAVES: readonly Hash[] = Array.from({ length: 9 }, (_, n) => Buffer.from(leafHash(`leaf ${n}`), 'hex'))
const STRANGE = Buffer.alloc(32, 5)

function root(from: number, to: number): Hash {
  if (to === from) return EMPTY_ROOT
  return rootOf(appendLeaves(EMPTY, LEAVES.slice(from, to)))
}

/** The largest power of two below `count`. */
function split(count: number): number {
  return 2 ** (Math.ceil(Math.log2(count)) - 1)
}

function path(index: number, from: number, to: number): Hash[] {
  if (to - from === 1) return []
  const middle = from + split(to - from)
  return index < middle
    ? [...path(index, from, middle), root(middle, to)]
    : [...path(index, middle, to), root(from, middle)]
}

/** `whole`: the subtree is one whose root the verifier has. */
function growth(first: number, from: number, to: number, whole = true): Hash[] {
  if (first === to) return whole ? [] : [root(from, to)]
  const middle = from + split(to - from)
  return first <= middle
    ? [...growth(first, from, middle, whole), root(middle, to)]
    : [...growth(first, middle, to, false), root(from, middle)]
}

const leaf = (n: number): Hash => LEAVES[n] ?? STRANGE
const cut = (hash: Hash): Hash => hash.subarray(0, 31)

type Holds = (verifier: Verifier) => boolean

function accepted(name: string, holds: Holds): Case {
  return { name, evidence: () => ({ as: 'proof', holds }), expect: { outcome: 'valid' } }
}

function refused(name: string, holds: Holds): Case {
  return { name, evidence: () => ({ as: 'proof', holds }), expect: { outcome: 'tampered' } }
}

function inclusion(): Case[] {
  const honest = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((size) =>
    Array.from({ length: size }, (_, n) =>
      accepted(`leaf ${n} of ${size}`, (verifier) =>
        verifier.verifyInclusion(leaf(n), n, size, path(n, 0, size), root(0, size)),
      ),
    ),
  )
  const two = root(0, 2)
  return [
    ...honest,
    refused('another leaf', (verifier) => verifier.verifyInclusion(STRANGE, 1, 5, path(1, 0, 5), root(0, 5))),
    refused('a leaf at another place', (verifier) =>
      verifier.verifyInclusion(leaf(1), 2, 5, path(1, 0, 5), root(0, 5)),
    ),
    refused('a leaf beyond the end', (verifier) => verifier.verifyInclusion(leaf(0), 2, 2, [leaf(1)], two)),
    refused('a leaf below zero', (verifier) => verifier.verifyInclusion(leaf(0), -2, 2, [leaf(1)], two)),
    refused('a size that is no whole number', (verifier) => verifier.verifyInclusion(leaf(1), 1, 2.5, [leaf(0)], two)),
    refused('a proof that is longer than the tree is high', (verifier) =>
      verifier.verifyInclusion(leaf(0), 0, 1, [STRANGE], nodeHash(STRANGE, leaf(0))),
    ),
    refused('a proof that is shorter', (verifier) => verifier.verifyInclusion(two, 0, 4, [root(2, 4)], root(0, 4))),
    // What a hash lacks must not be filled from the proof before.
    refused('a leaf that lacks a byte', (verifier) => {
      verifier.verifyInclusion(leaf(0), 0, 2, [leaf(1)], two)
      return verifier.verifyInclusion(cut(leaf(0)), 0, 2, [leaf(1)], two)
    }),
    refused('a proof that lacks a byte', (verifier) => {
      verifier.verifyInclusion(leaf(0), 0, 2, [leaf(1)], two)
      return verifier.verifyInclusion(leaf(0), 0, 2, [cut(leaf(1))], two)
    }),
  ]
}

function consistency(): Case[] {
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  const honest = sizes.flatMap((second) =>
    sizes.slice(0, second + 1).map((first) => {
      const proof = first === 0 || first === second ? [] : growth(first, 0, second)
      return accepted(`${first} leaves are the first of ${second}`, (verifier) =>
        verifier.verifyConsistency(first, second, root(0, first), root(0, second), proof),
      )
    }),
  )
  const [two, three, four] = [root(0, 2), root(0, 3), root(0, 4)]
  const grown = growth(3, 0, 4)
  const [start = STRANGE, next = STRANGE, last = STRANGE] = grown
  return [
    ...honest,
    refused('a smaller log that is another', (verifier) => verifier.verifyConsistency(3, 4, STRANGE, four, grown)),
    refused('a larger log that is another', (verifier) => verifier.verifyConsistency(3, 4, three, STRANGE, grown)),
    refused('a log that shrank', (verifier) => verifier.verifyConsistency(2, 1, two, two, [])),
    refused('a size below zero', (verifier) => verifier.verifyConsistency(-1, 4, three, four, grown)),
    refused('a larger size that is no whole number', (verifier) =>
      verifier.verifyConsistency(2, 3.5, two, three, [leaf(2)]),
    ),
    refused('two logs of one size', (verifier) => verifier.verifyConsistency(3, 3, three, STRANGE, [])),
    refused('one size and a proof', (verifier) => verifier.verifyConsistency(3, 3, three, three, [STRANGE])),
    refused('an empty log that is not', (verifier) => verifier.verifyConsistency(0, 4, STRANGE, four, [])),
    refused('an empty log and a proof', (verifier) => verifier.verifyConsistency(0, 4, EMPTY_ROOT, four, [STRANGE])),
    refused('an empty log before what is no root', (verifier) =>
      verifier.verifyConsistency(0, 4, EMPTY_ROOT, cut(four), []),
    ),
    refused('no proof', (verifier) => verifier.verifyConsistency(3, 4, three, four, [])),
    refused('a proof of growth that is longer than the tree is high', (verifier) =>
      verifier.verifyConsistency(3, 4, nodeHash(STRANGE, three), nodeHash(STRANGE, four), [...grown, STRANGE]),
    ),
    refused('a proof whose first hash lacks a byte', (verifier) => {
      verifier.verifyInclusion(start, 1, 2, [STRANGE], STRANGE)
      return verifier.verifyConsistency(3, 4, three, four, [cut(start), next, last])
    }),
    refused('a proof whose last hash lacks a byte', (verifier) => {
      verifier.verifyConsistency(3, 4, three, four, grown)
      return verifier.verifyConsistency(3, 4, three, four, [start, next, cut(last)])
    }),
  ]
}

/** RFC 9162, sections 2.1.3 and 2.1.4: proofs by themselves, of logs of up to nine leaves. */
export async function proofs(): Promise<Group> {
  return { name: 'T6 proofs by themselves', cases: [...inclusion(), ...consistency()] }
}

import { and, desc, eq, isNull, lt } from 'drizzle-orm'
import type { PolicyVersion, PolicyVersionStore } from '../../policy-set/index.ts'
import type { Database } from './database.ts'

const MAX_LIST = 1000
const MAX_SAME = 10

/** Who and what, as one text: all that never changes. */
type VersionRecord = Pick<PolicyVersion, 'names' | 'sources' | 'sourcesSha256' | 'cause' | 'of' | 'by'>

export function createPolicyVersionStore({ queries, tables }: Database): PolicyVersionStore {
  const { policyVersion } = tables
  const newestFirst = desc(policyVersion.number)
  return {
    async newest() {
      const [row] = await queries.select().from(policyVersion).orderBy(newestFirst).limit(1)
      return row === undefined ? null : versionOf(row)
    },
    async head() {
      const { number, at, leaf } = policyVersion
      const [row] = await queries.select({ number, at, leaf }).from(policyVersion).orderBy(newestFirst).limit(1)
      return row ?? null
    },
    async get(number) {
      const [row] = await queries.select().from(policyVersion).where(eq(policyVersion.number, number)).limit(1)
      return row === undefined ? null : versionOf(row)
    },
    async ofDigest(digest) {
      const same = eq(policyVersion.digest, digest as Row['digest'])
      const rows = await queries.select().from(policyVersion).where(same).orderBy(newestFirst).limit(MAX_SAME)
      return rows.map(versionOf)
    },
    async list(limit, before) {
      const older = before === undefined ? undefined : lt(policyVersion.number, before)
      const most = Math.min(limit, MAX_LIST)
      const rows = await queries.select().from(policyVersion).where(older).orderBy(newestFirst).limit(most)
      return rows.map(versionOf)
    },
    async add(version) {
      const { number } = policyVersion
      const rows = await queries
        .insert(policyVersion)
        .values(rowOf(version))
        .onConflictDoNothing()
        .returning({ number })
      return rows.length > 0
    },
    async recorded(number, leaf) {
      const unrecorded = and(eq(policyVersion.number, number), isNull(policyVersion.leaf))
      await queries.update(policyVersion).set({ leaf }).where(unrecorded)
    },
    async onDisk(number, disk) {
      await queries
        .update(policyVersion)
        .set({ disk: JSON.stringify(disk) })
        .where(eq(policyVersion.number, number))
    },
  }
}

type Row = Database['tables']['policyVersion']['$inferSelect']

function rowOf({ number, digest, at, disk, leaf, ...rest }: PolicyVersion): Row {
  const { names, sources, sourcesSha256, cause, of, by } = rest
  const record: VersionRecord = { names, sources, sourcesSha256, cause, of, by }
  return { number, digest, at, leaf, disk: JSON.stringify(disk), record: JSON.stringify(record) }
}

function versionOf({ number, digest, at, disk, leaf, record }: Row): PolicyVersion {
  const kept: VersionRecord = JSON.parse(record)
  return { ...kept, number, digest, at, leaf, disk: JSON.parse(disk) }
}

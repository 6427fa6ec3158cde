import { setImmediate } from 'node:timers/promises'
import { afterAll, expect } from 'vitest'
import type { Log } from '../../src/core/runtime.ts'
import { type OpenLedger, openLedger } from '../../src/ledger/ledger.ts'
import { frontierAt } from '../../src/ledger/merkle/proofs.ts'
import { createTileReader } from '../../src/ledger/merkle/tiles.ts'
import { rootOf } from '../../src/ledger/merkle/tree.ts'
import { createTail } from '../../src/ledger/tail.ts'
import type { OpenSearch } from '../../src/search/ports.ts'
import { createSearch, type Search } from '../../src/search/search.ts'
import { openSearch, openStores, type Stores } from '../../src/store/open.ts'
import { frozenClock, random } from '../support/drafts.ts'
import { ORIGIN, removeFolder, signingIn, temporaryFolder } from '../support/evidence-store.ts'
import { startPostgres } from '../support/postgres.ts'

export const KEY = new Uint8Array(32).fill(7)
const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** A log with its index, on one kind of database. */
export interface SearchHouse {
  readonly stores: Stores
  readonly ledger: OpenLedger
  readonly opened: OpenSearch
  readonly clock: ReturnType<typeof frozenClock>
  search(): Search
  /** Until everything that was appended can be found. */
  settled(): Promise<void>
  /** As after a restart: the same stores, another process. */
  again(changes?: { readonly key?: Uint8Array }): Promise<void>
  /** Deletes what is below, as whoever may. */
  prune(minIndex: number): Promise<void>
  close(): Promise<void>
}

export interface Kind {
  readonly name: string
  /** Null where this machine has no such database. */
  open(): Promise<SearchHouse>
}

const server = await startPostgres()
afterAll(async () => server?.close())

export const kinds: readonly Kind[] = [
  {
    name: 'SQLite',
    async open() {
      const folder = temporaryFolder()
      return house(`${folder}/aegis.db`, folder, null, async () => removeFolder(folder))
    },
  },
  ...(server === null
    ? []
    : [
        {
          name: 'PostgreSQL',
          async open() {
            const database = await server.database()
            const folder = temporaryFolder()
            const retention = (sql: string) => database.run(sql)
            return house(database.as('app'), folder, retention, async () => {
              removeFolder(folder)
              await database.drop()
            })
          },
        },
      ]),
]

async function house(
  setting: string,
  folder: string,
  retention: ((sql: string) => Promise<unknown>) | null,
  remove: () => Promise<void>,
): Promise<SearchHouse> {
  const clock = frozenClock()
  const stores = await openStores(setting)
  const options = { clock, random, gateway: 'gw-1', origin: ORIGIN, minFreeBytes: 0, signing: signingIn(folder) }
  const ledger = await openLedger({ store: stores.ledger, ...options })
  let opened = await openSearch(setting)
  let search = start(opened, KEY)

  function start({ source, index }: OpenSearch, key: Uint8Array): Search {
    const tail = createTail(source, { pollMs: 5 })
    const parts = { reader: source, tail, store: index, key, holder: 'gw-1', clock, log: SILENT, rest: 0 }
    return createSearch(parts)
  }

  async function stop(): Promise<void> {
    await search.close()
    await opened.close()
  }

  return {
    ...{ stores, ledger, clock },
    get opened() {
      return opened
    },
    search: () => search,
    async settled() {
      for (;;) {
        const { known } = await search.page({}, null, 1)
        if (known.upTo === known.size) return
        // The index reads on when the event loop turns.
        await setImmediate()
      }
    },
    async again({ key = KEY } = {}) {
      await stop()
      opened = await openSearch(setting)
      search = start(opened, key)
    },
    async prune(minIndex) {
      const { size } = await ledger.sign()
      const frontier = await frontierAt(minIndex, createTileReader(stores.ledger, size).subtree)
      const root = Buffer.from(rootOf(frontier)).toString('hex')
      const done = ledger.prune({ minIndex, archiveSha256: 'ab'.repeat(32), root, by: 'key_admin' })
      // On PostgreSQL the gateway only records it: deleting is for another role.
      if (retention === null) return void (await done)
      await expect(done).rejects.toThrow('permission denied')
      await retention(`SELECT aegis.prune(${minIndex})`)
    },
    async close() {
      await stop()
      await ledger.close()
      await stores.close()
      await remove()
    },
  }
}

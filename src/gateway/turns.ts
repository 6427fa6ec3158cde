/** Work that is done one after another for each key, and at the same time for different ones. */
export interface Turns<Key> {
  take<T>(key: Key, work: () => Promise<T>): Promise<T>
}

export function createTurns<Key>(): Turns<Key> {
  const last = new Map<Key, Promise<unknown>>()
  return {
    async take(key, work) {
      const turn = (last.get(key) ?? Promise.resolve()).then(work)
      const settled = turn.catch(() => undefined)
      last.set(key, settled)
      try {
        return await turn
      } finally {
        if (last.get(key) === settled) last.delete(key)
      }
    },
  }
}

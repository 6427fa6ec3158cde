/** Finds values by the texts that begin with their head: a few look-ups by length instead of a walk over all of them. */
export interface HeadIndex<T> {
  add(head: string, value: T): void
  /** Values whose head the text begins with, in no particular order; a value added under several such heads comes several times. */
  find(text: string): readonly T[]
}

export function createHeadIndex<T>(): HeadIndex<T> {
  const byHead = new Map<string, T[]>()
  const lengths = new Set<number>()
  return {
    add(head, value) {
      const values = byHead.get(head)
      if (values === undefined) byHead.set(head, [value])
      else values.push(value)
      lengths.add(head.length)
    },
    find(text) {
      const found: T[] = []
      for (const length of lengths) {
        if (length > text.length) continue
        for (const value of byHead.get(text.slice(0, length)) ?? []) found.push(value)
      }
      return found
    },
  }
}

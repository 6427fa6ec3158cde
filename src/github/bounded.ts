/** Does the work for every item, at most `width` at a time, and gives the results in the items' order. The first failure stops what has not begun. */
export async function mapBounded<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  const queue = items.entries()
  let failed = false
  async function worker(): Promise<void> {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        results.set(index, await work(item, index))
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return [...results].sort(([one], [other]) => one - other).map(([, result]) => result)
}

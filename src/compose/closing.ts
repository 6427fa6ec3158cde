/** What is open, to be closed again in the opposite order: at the end, and where opening the rest failed. */
export interface Closing {
  /** To be called as soon as something is open. */
  add(close: () => unknown): void
  /** Closes each, also where another one failed. @throws the first failure */
  close(): Promise<void>
}

export function createClosing(): Closing {
  const open: (() => unknown)[] = []
  return {
    add: (close) => void open.push(close),
    async close() {
      const failures: unknown[] = []
      for (let close = open.pop(); close !== undefined; close = open.pop()) {
        try {
          await close()
        } catch (failure) {
          failures.push(failure)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}

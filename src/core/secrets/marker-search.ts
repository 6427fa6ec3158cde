/** One literal found in a text. */
export interface Found {
  readonly marker: number
  /** Where it begins. */
  readonly offset: number
}

/** Finds many literals in one pass over a text, however many there are; ASCII case is ignored. */
export interface MarkerSearch {
  /** Calls back for every occurrence, in the order of their ends; stops where the callback says false. */
  each(text: string, found: (one: Found) => boolean): void
}

const WIDTH = 128

/** Compiles literals of ASCII into one automaton (Aho and Corasick, 1975). */
export function compileMarkers(markers: readonly string[]): MarkerSearch {
  const folded = markers.map((marker) => marker.toLowerCase())
  const { next, ends, fails } = trie(folded)
  const outputs = complete(next, ends, fails)
  const step = foldedSteps(next)
  const lengths = markers.map((marker) => marker.length)
  return {
    each(text, found) {
      let state = 0
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at)
        state = code < WIDTH ? (step[state * WIDTH + code] ?? 0) : 0
        const output = outputs[state]
        if (output === undefined) continue
        for (const marker of output) {
          if (!found({ marker, offset: at + 1 - (lengths[marker] ?? 0) })) return
        }
      }
    },
  }
}

interface Trie {
  /** For each state, the next one by character; 0 where there is none. */
  readonly next: number[][]
  /** The markers that end in each state. */
  readonly ends: number[][]
  readonly fails: number[]
}

function trie(markers: readonly string[]): Trie {
  const next: number[][] = [new Array<number>(WIDTH).fill(0)]
  const ends: number[][] = [[]]
  for (const [index, marker] of markers.entries()) {
    let state = 0
    for (let at = 0; at < marker.length; at++) {
      const code = marker.charCodeAt(at)
      let target = next[state]?.[code] ?? 0
      if (target === 0) {
        target = next.push(new Array<number>(WIDTH).fill(0)) - 1
        ends.push([])
        const row = next[state]
        if (row !== undefined) row[code] = target
      }
      state = target
    }
    ends[state]?.push(index)
  }
  return { next, ends, fails: new Array<number>(next.length).fill(0) }
}

/** Fills in where a failed step goes on, breadth first, and what ends there too. */
function complete(next: number[][], ends: number[][], fails: number[]): (readonly number[] | undefined)[] {
  const queue = (next[0] ?? []).filter((state) => state !== 0)
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at] ?? 0
    const row = next[state] ?? []
    const fallback = next[fails[state] ?? 0] ?? []
    ends[state]?.push(...(ends[fails[state] ?? 0] ?? []))
    for (let code = 0; code < WIDTH; code++) {
      const target = row[code] ?? 0
      if (target === 0) row[code] = fallback[code] ?? 0
      else {
        fails[target] = fallback[code] ?? 0
        queue.push(target)
      }
    }
  }
  return ends.map((found) => (found.length === 0 ? undefined : found))
}

function foldedSteps(next: readonly (readonly number[])[]): Uint16Array {
  const step = new Uint16Array(next.length * WIDTH)
  for (const [state, row] of next.entries()) {
    for (let code = 0; code < WIDTH; code++) {
      const upper = code >= 0x41 && code <= 0x5a
      step[state * WIDTH + code] = row[upper ? code + 0x20 : code] ?? 0
    }
  }
  return step
}

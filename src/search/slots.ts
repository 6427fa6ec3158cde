import { BLOCK_SLOTS } from './ports.ts'

/**
 * A set of entries of one block: a bit for each. Packed it is either that, or the slots themselves as 16-bit numbers where that is
 * shorter; the two differ in length.
 */
export type Slots = Uint8Array

const BYTES = BLOCK_SLOTS / 8
/** As numbers they are shorter than as bits. */
const FEW = BYTES / 2 - 1

export function noSlots(): Slots {
  return new Uint8Array(BYTES)
}

export function allSlots(): Slots {
  return new Uint8Array(BYTES).fill(0xff)
}

export function has(slots: Slots, slot: number): boolean {
  return ((slots[slot >> 3] ?? 0) & (1 << (slot & 7))) !== 0
}

export function put(slots: Slots, slot: number): void {
  slots[slot >> 3] = (slots[slot >> 3] ?? 0) | (1 << (slot & 7))
}

export function remove(slots: Slots, slot: number): void {
  slots[slot >> 3] = (slots[slot >> 3] ?? 0) & ~(1 << (slot & 7))
}

/** Keeps in `slots` what is in both. */
export function intersect(slots: Slots, other: Slots): void {
  for (let at = 0; at < BYTES; at += 1) slots[at] = (slots[at] ?? 0) & (other[at] ?? 0)
}

export function isEmpty(slots: Slots): boolean {
  return slots.every((byte) => byte === 0)
}

/** The slots in it, the highest first. */
export function descending(slots: Slots): number[] {
  const found: number[] = []
  for (let at = BYTES - 1; at >= 0; at -= 1) {
    const byte = slots[at] ?? 0
    if (byte === 0) continue
    for (let bit = 7; bit >= 0; bit -= 1) if ((byte & (1 << bit)) !== 0) found.push(at * 8 + bit)
  }
  return found
}

export function count(slots: Slots): number {
  let sum = 0
  for (const byte of slots) sum += ONES[byte] ?? 0
  return sum
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

/** @param ascending slots, each once */
export function packList(ascending: readonly number[]): Uint8Array {
  if (ascending.length > FEW) {
    const slots = noSlots()
    for (const slot of ascending) put(slots, slot)
    return slots
  }
  const packed = new Uint8Array(ascending.length * 2)
  ascending.forEach((slot, index) => {
    packed[index * 2] = slot & 0xff
    packed[index * 2 + 1] = slot >> 8
  })
  return packed
}

/** Null where nothing is in it. */
export function pack(slots: Slots): Uint8Array | null {
  const list = descending(slots).reverse()
  return list.length === 0 ? null : packList(list)
}

/** Adds to `into` what is packed. What is damaged adds nothing outside the block. */
export function unpack(packed: Uint8Array, into: Slots): void {
  if (packed.length === BYTES) {
    for (let at = 0; at < BYTES; at += 1) into[at] = (into[at] ?? 0) | (packed[at] ?? 0)
    return
  }
  for (let at = 0; at + 1 < packed.length; at += 2) {
    const slot = (packed[at] ?? 0) | ((packed[at + 1] ?? 0) << 8)
    if (slot < BLOCK_SLOTS) put(into, slot)
  }
}

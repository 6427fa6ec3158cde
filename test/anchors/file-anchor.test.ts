import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileAnchor } from '../../src/anchors/file-anchor.ts'
import { readAnchor } from '../../src/anchors/index.ts'
import { folder, noProof, patient, tinyLog } from './support.ts'

const log = tinyLog(20)

describe('an anchor in a file', () => {
  it('appends each note as a line, and the receipt says where it stands', async () => {
    const path = join(folder(), 'anchor.jsonl')
    const anchor = fileAnchor('file', path)
    const first = await log.checkpoint(3)
    const second = await log.checkpoint(7)
    await anchor.submit(first, noProof, patient())
    const receipt = await anchor.submit(second, noProof, patient())
    const [offset = 0, length = 0] = receipt.split('+').map(Number)
    const line = readFileSync(path)
      .subarray(offset, offset + length)
      .toString()
    expect(JSON.parse(line)).toEqual({ size: 7, note: second.note })
    expect(await readAnchor({ kind: 'file', path }, {})).toEqual([
      { by: 'place', sink: 'file', note: first.note },
      { by: 'place', sink: 'file', note: second.note },
    ])
  })

  it('takes the same checkpoint again, and refuses a smaller one and another root for the size it has', async () => {
    const path = join(folder(), 'anchor.jsonl')
    const anchor = fileAnchor('file', path)
    await anchor.submit(await log.checkpoint(7), noProof, patient())
    await anchor.submit(await log.checkpoint(7), noProof, patient())
    const before = readFileSync(path)
    await expect(anchor.submit(await log.checkpoint(6), noProof, patient())).rejects.toMatchObject({
      fault: 'rollback',
    })
    const forked = tinyLog(20, 2)
    await expect(anchor.submit(await forked.checkpoint(7), noProof, patient())).rejects.toMatchObject({ fault: 'fork' })
    expect(readFileSync(path)).toEqual(before)
  })

  it('goes on behind a line that a crash tore, wherever it was torn', async () => {
    const whole = `${JSON.stringify({ size: 7, note: (await log.checkpoint(7)).note })}\n`
    for (let cut = 1; cut < whole.length; cut += 7) {
      const path = join(folder(), 'anchor.jsonl')
      const anchor = fileAnchor('file', path)
      await anchor.submit(await log.checkpoint(3), noProof, patient())
      appendFileSync(path, whole.slice(0, cut))
      const receipt = await anchor.submit(await log.checkpoint(9), noProof, patient())
      const [offset = 0, length = 0] = receipt.split('+').map(Number)
      expect(
        JSON.parse(
          readFileSync(path)
            .subarray(offset, offset + length)
            .toString(),
        ).size,
      ).toBe(9)
      const notes = await readAnchor({ kind: 'file', path }, {})
      expect(notes.map(({ note }) => note.split('\n')[1])).toEqual(['3', '9'])
      await expect(anchor.submit(await log.checkpoint(8), noProof, patient())).rejects.toMatchObject({
        fault: 'rollback',
      })
    }
  })

  it('is read back with what was altered in it, in bounded memory', async () => {
    const path = join(folder(), 'anchor.jsonl')
    const { note } = await log.checkpoint(3)
    const good = JSON.stringify({ size: 3, note })
    writeFileSync(path, [good, '{"size":3}', 'hello', 'x'.repeat(1_000_000), '[1]', good, ''].join('\n'))
    const notes = await readAnchor({ kind: 'file', path }, {})
    expect(notes.map((one) => one.note)).toEqual([note, '', '', '', '', note])
    await expect(readAnchor({ kind: 'file', path: join(path, 'x') }, {})).rejects.toThrow(/cannot be read/)
  })

  it('does not write into a file of somebody else, and says where it cannot write', async () => {
    const path = join(folder(), 'notes.txt')
    writeFileSync(path, 'shopping list\n')
    await expect(fileAnchor('file', path).submit(await log.checkpoint(3), noProof, patient())).rejects.toMatchObject({
      fault: 'refused',
    })
    const missing = join(folder(), 'no', 'such', 'folder')
    const failed = fileAnchor('file', missing).submit(await log.checkpoint(3), noProof, patient())
    await expect(failed).rejects.toThrow(/cannot write: ENOENT/)
  })
})

import { describe, expect, it } from 'vitest'
import { startSearchThread } from '../../src/compose/search-thread.ts'

/** A thread that opens, answers one question, says a line, and dies at the second. */
const DYING = `
  import { parentPort } from 'node:worker_threads'
  let asked = 0
  parentPort.on('message', ({ calls }) => {
    for (const { id, method, values } of calls) {
      if (method === 'page' && ++asked === 2) throw new Error('out of memory')
      const lines = method === 'page' ? [{ level: 'warn', fields: {}, message: 'made anew' }] : []
      parentPort.postMessage({ answers: [{ id, value: { entries: [], next: null, known: values } }], news: { lines } })
    }
  })
`

describe('the thread of the search index', () => {
  it('answers from its thread; where that dies, nothing is found, it is said, and the server can still stop', async () => {
    const said: string[] = []
    const line = (_: object, message: string) => void said.push(message)
    const script = new URL(`data:text/javascript,${encodeURIComponent(DYING)}`)
    const settings = { store: '', key: new Uint8Array(32), holder: 'gw-1' }
    const search = await startSearchThread(settings, { info: line, warn: line, error: line }, script)
    expect(await search.page({ tool: 'github.*' }, null, 7)).toMatchObject({ known: [{ tool: 'github.*' }, null, 7] })
    expect(said).toEqual(['made anew'])

    await expect(search.page({}, null, 7)).rejects.toMatchObject({ code: 'internal' })
    await expect(search.stats({ since: 0, until: 1 })).rejects.toThrow('out of memory')
    expect(said.slice(1)).toEqual(['the search thread has ended: nothing can be found until the next start'])
    await search.close()
  })
})

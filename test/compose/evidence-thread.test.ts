import { describe, expect, it } from 'vitest'
import { startEvidenceThread } from '../../src/compose/evidence-thread.ts'
import type { Config } from '../../src/config.ts'
import { draft } from '../support/drafts.ts'

/** A thread that opens, tells how much memory came with a salt, and dies at the second append. */
const DYING = `
  import { parentPort } from 'node:worker_threads'
  const news = { origin: 'aegis/1', size: 0, closed: null, checkpoint: null, lines: [] }
  let appends = 0
  parentPort.on('message', ({ calls }) => {
    for (const { id, method, values } of calls) {
      if (method === 'append' && ++appends === 2) throw new Error('out of memory')
      const value = method === 'append' ? values[0].commitments.map(({ salt }) => salt.buffer.byteLength) : null
      parentPort.postMessage({ answers: [{ id, value }], news })
    }
  })
`

describe('the thread of the evidence', () => {
  it('is sent what a draft holds and no other memory; where it dies, nothing is recorded and the server can still stop', async () => {
    const said: string[] = []
    const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => void said.push(message) }
    const script = new URL(`data:text/javascript,${encodeURIComponent(DYING)}`)
    // The script looks at no configuration.
    const evidence = await startEvidenceThread({} as Config, 'gw-1', log, script)
    const salted = draft({ commitments: [{ path: 'params', salt: Buffer.from('ab'.repeat(32), 'hex'), value: {} }] })
    expect(await evidence.ledger.append(salted)).toEqual([32])
    expect(evidence.ledger.stats().closed).toBeNull()

    await expect(evidence.ledger.append(salted)).rejects.toMatchObject({ code: 'evidence_unavailable' })
    await expect(evidence.ledger.append(salted)).rejects.toThrow('the thread that writes it is gone (out of memory)')
    expect(evidence.ledger.stats().closed).toContain('out of memory')
    expect(said).toEqual(['the evidence thread has ended: nothing is recorded, nothing is forwarded'])
    await evidence.close()
  })
})

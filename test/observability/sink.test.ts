import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openSink } from '../../src/observability/sink.ts'

describe('the sink', () => {
  it('writes what came in one turn after that turn, in order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aegis-sink-'))
    const file = join(folder, 'deep', 'server.log')
    const sink = openSink({ file })
    sink.write('one\n')
    sink.write('two\n')
    expect(readFileSync(file, 'utf8')).toBe('')
    await sleep(20)
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
    sink.close()
    rmSync(folder, { recursive: true })
  })

  it('drops lines above its bound instead of throwing or growing on a full disk', async () => {
    const sink = openSink({ file: '/dev/full' })
    for (let n = 0; n < 200; n++) sink.write(`${'x'.repeat(64 * 1024)}\n`)
    sink.flush()
    sink.write('more\n')
    sink.close()
    sink.write('too late\n')
    await sleep(5)
  })
})

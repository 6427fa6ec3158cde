import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/observability/metrics.ts'

const lines = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.render()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('metrics', () => {
  it('counts decisions by verdict and rule, once however often one looks', async () => {
    const metrics = createMetrics({ process: false })
    metrics.decided('allow', 'git:github.get_*', 0.001)
    metrics.decided('allow', 'git:github.get_*', 0.001)
    metrics.decided('block', 'shell:shell.rm', 0.001)
    await metrics.render()
    const text = await lines(metrics)
    expect(text).toContain('aegis_decisions_total{verdict="allow",rule="git:github.get_*"} 2')
    expect(text).toContain('aegis_decisions_total{verdict="block",rule="shell:shell.rm"} 1')
    expect(text).toContain('aegis_action_seconds_count 3')
  })

  it('counts redeemed approvals under one label, and denied ones under another', async () => {
    const metrics = createMetrics({ process: false })
    metrics.decided('allow', 'approved:d9e8a1b3', 0.001)
    metrics.decided('allow', 'approved:e2a5b8c1', 0.001)
    metrics.decided('block', 'denied:d9e8a1b3', 0.001)
    expect(await lines(metrics)).toContain('aegis_decisions_total{verdict="allow",rule="approved"} 2')
    expect(await lines(metrics)).toContain('aegis_decisions_total{verdict="block",rule="denied"} 1')
  })

  it('never keeps more than a bounded number of series', async () => {
    const metrics = createMetrics({ process: false })
    fc.assert(
      fc.property(fc.uuid(), (label) => metrics.decided('review', label, 0.001)),
      { numRuns: 2000 },
    )
    const series = (await lines(metrics)).filter((line) => line.startsWith('aegis_decisions_total'))
    expect(series.length).toBeLessThanOrEqual(501)
    expect(series.some((line) => line.includes('rule="other"'))).toBe(true)
  })

  it('escapes what a label holds', async () => {
    const metrics = createMetrics({ process: false })
    metrics.decided('block', 'x"} 1\naegis_fake 7', 0.001)
    expect((await lines(metrics)).some((line) => line.startsWith('aegis_fake'))).toBe(false)
  })

  it('times upstreams and flushes of the ledger', async () => {
    const metrics = createMetrics({ process: false })
    metrics.forwarded('github', 'ok', 0.2)
    metrics.appended(3, 0.0004)
    const text = await lines(metrics)
    expect(text).toContain('aegis_upstream_seconds_count{upstream="github",outcome="ok"} 1')
    expect(text).toContain('aegis_ledger_append_seconds_count 1')
    expect(text).toContain('aegis_ledger_appended_total 3')
  })

  it('asks for states only when somebody looks, and leaves out one that cannot be told', async () => {
    const metrics = createMetrics({ process: false })
    let asked = 0
    metrics.observe({
      ledgerEntries: () => {
        asked++
        return 42
      },
      approvalsPending: () => Promise.reject(new Error('the store is down')),
    })
    metrics.observe({ credentialsUnrevoked: async () => 2 })
    expect(asked).toBe(0)
    const text = await lines(metrics)
    expect(text).toContain('aegis_ledger_entries 42')
    expect(text).toContain('aegis_credentials_unrevoked 2')
    expect(text.some((line) => line.startsWith('aegis_approvals_pending'))).toBe(false)
    expect(text.some((line) => line.startsWith('aegis_ledger_queue'))).toBe(false)
  })

  it('tells of the process, each server from its own registry', async () => {
    const one = createMetrics({ process: true })
    const two = createMetrics({ process: true })
    expect((await lines(one)).some((line) => line.startsWith('process_resident_memory_bytes'))).toBe(true)
    expect((await two.render()).contentType).toContain('text/plain')
  })
})

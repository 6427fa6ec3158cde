import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Context } from '../../src/cli/context.ts'
import { runChecks } from '../../src/cli/doctor/checks.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

let home: string
let issuer: Issuer
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'aegis-doctor-'))
  mkdirSync(join(home, '.config/aegis'), { recursive: true })
  issuer = await startIssuer()
  const yaml = `version: 1\nauth: { oauth: [ { issuer: "${issuer.issuer}" } ] }\n`
  writeFileSync(join(home, '.config/aegis/aegis.yaml'), yaml)
})
afterAll(async () => {
  await issuer.close()
  rmSync(home, { recursive: true })
})

async function look() {
  const context: Context = { env: {}, home, cwd: home, out: () => undefined, err: () => undefined }
  const checks = await runChecks(context)
  return checks.find(({ name }) => name.startsWith('issuer'))
}

it('the doctor asks each issuer for its keys', async () => {
  expect(await look()).toMatchObject({ state: 'ok', detail: 'publishes one key' })
})

it('the doctor tells of an issuer without keys, and of one that does not answer', async () => {
  issuer.world.keys = []
  expect(await look()).toMatchObject({ state: 'fail', detail: 'publishes no key that signs' })
  issuer.world.instead = (_, response) => void response.writeHead(500).end()
  const down = await look()
  expect(down?.state).toBe('fail')
  expect(down?.detail).toContain('answered 500')
})

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { readSecretFile } from '../../src/credentials/secret-file.ts'

const NOBODY = 65_534

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-secret-'))
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true }))

function refusal(path: string): AegisError {
  try {
    readSecretFile(path)
  } catch (error) {
    if (error instanceof AegisError) return error
  }
  throw new Error('it was read')
}

it('a secret that is not there is told with whose it must be', () => {
  const { code, message, advice } = refusal(join(folder, 'none'))
  expect([code, message]).toEqual(['config', expect.stringMatching(/^cannot read .*: it is not there$/)])
  expect(advice).toContain(`owned by ${userInfo().username}, mode 600`)
})

it('a secret of another user is told with the user that runs the server, and the command that gives it to them', () => {
  const file = join(folder, 'oidc.secret')
  writeFileSync(file, 'secret', { mode: 0o600 })
  const isRoot = process.getuid?.() === 0
  // Root may read everything; another user may not even read their own.
  if (isRoot) process.seteuid?.(NOBODY)
  else chmodSync(file, 0)
  try {
    const us = userInfo().username
    const { message, advice } = refusal(file)
    expect(message).toBe(`cannot read ${file}: ${us} may not`)
    expect(advice).toContain(`chown ${us} ${file}`)
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

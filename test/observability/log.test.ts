import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { AegisError } from '../../src/core/errors.ts'
import { hiddenCharacter } from '../../src/core/visible-text.ts'
import { createLog, withoutSecrets } from '../../src/observability/log.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function openLog(level?: 'warn') {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-log-'))
  folders.push(folder)
  const file = join(folder, 'server.log')
  const clock = { now: () => Date.UTC(2026, 3, 6, 14, 22, 1) }
  const log = createLog({ to: { file }, clock, ...(level === undefined ? {} : { level }) })
  return { log, file, lines: () => readFileSync(file, 'utf8').trimEnd().split('\n') }
}

const KEY = `aegis_agent_${'Ab3-_'.repeat(9).slice(0, 43)}`
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI0MiJ9.c2lnbmF0dXJl'
const PEM = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow"\n-----END RSA PRIVATE KEY-----'

describe('the log', () => {
  it('writes the line of an evaluated action with the pinned keys', () => {
    const { log, lines } = openLog()
    const fields = { envelope_id: 'a7890917', tool: 'github.get_file_contents', decision: 'allow', latency_us: 1247 }
    log.info(fields, 'action evaluated')
    log.flush()
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      { level: 'info', ts: '2026-04-06T14:22:01.000Z', msg: 'action evaluated', ...fields },
    ])
    log.close()
  })

  it('has written every line when it is closed, and ignores what comes later', () => {
    const { log, lines } = openLog()
    for (let n = 0; n < 1000; n++) log.info({ n }, 'line')
    log.close()
    log.info({}, 'too late')
    log.close()
    expect(lines()).toHaveLength(1000)
  })

  it('makes its file readable by its owner only', () => {
    const { log, file } = openLog()
    log.info({}, 'line')
    log.flush()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    log.close()
  })

  it('says at once when its file cannot be opened', () => {
    const to = { file: '/dev/null/server.log' }
    expect(() => createLog({ to, clock: { now: () => 0 } })).toThrow(/cannot open the log file/)
  })

  it('shows what a terminal would obey and hide as escapes, and says the same to whoever parses it', () => {
    const { log, lines } = openLog()
    const tool = 'x.\u202egnp\u202c\u200b\u009b2J\u001b[2J\u{e0041}\nçé 🎈'
    log.info({ tool }, 'action evaluated')
    log.close()
    const [line = ''] = lines()
    expect(lines()).toHaveLength(1)
    expect(hiddenCharacter(line)).toBe(null)
    expect(line).toContain('çé 🎈')
    expect(JSON.parse(line).tool).toBe(tool)
  })

  it('leaves out what is below its level', () => {
    const { log, lines } = openLog('warn')
    log.info({}, 'quiet')
    log.warn({}, 'loud')
    log.close()
    expect(lines()).toHaveLength(1)
  })

  it.each([
    ['a member named token', { token: 'hunter2hunter2' }],
    ['a secret deep inside', { a: [{ b: { secret: 'hunter2 "quoted" hunter2' } }] }],
    ['a nested authorization header', { headers: { authorization: 'hunter2hunter2' } }],
  ])('does not write %s', (_, fields) => {
    const { log, lines } = openLog()
    log.info(fields, 'line')
    log.close()
    expect(lines()[0]).not.toContain('hunter2')
  })

  it.each([
    ['a key of ours', KEY],
    ['an installation token', 'ghs_16C7e42F292c6912E7710c838347Ae178B4a'],
    ['an installation token of the new form', `ghs_4242_${JWT}`],
    ['a fine-grained token', 'github_pat_11ABCDEFG0abcdefghijklmnop_xyz'],
    ['a JWT', JWT],
    ['a private key', PEM],
  ])('does not write %s inside any text', (_, secret) => {
    const { log, lines } = openLog()
    log.warn({ detail: { deep: [`before ${secret}`] } }, `message ${secret}`)
    log.close()
    expect(lines()[0]).not.toContain(secret.slice(-24))
    expect(lines()[0]).not.toContain(JSON.stringify(secret).slice(1, -1))
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ level: 'warn' })
  })

  it('writes code and message of an error and nothing it carries', () => {
    const { log, lines } = openLog()
    const cause = Object.assign(new Error('inner'), { request: { headers: { authorization: 'Bearer abc' } } })
    log.error({ error: new AegisError('config', 'no such file', { cause }) }, 'failed')
    log.close()
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ error: 'config: no such file' })
    expect(lines()[0]).not.toContain('inner')
  })

  it('does not let a field take the place of time, level or message', () => {
    const { log, lines } = openLog()
    log.info({ ts: 'forged', level: 'debug', msg: 'forged' }, 'true')
    log.close()
    expect(lines()[0]).not.toContain('forged')
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ level: 'info', msg: 'true' })
  })

  it.each([
    'eyJ',
    'eyJaaaaaaaa.',
    'ghs_',
    '-----BEGIN ',
    'Bearer ',
    'aegis_agent_',
    '"token":"',
  ])('is not held up by a megabyte of %j', (text) => {
    const { log, lines } = openLog()
    log.info({ said: text.repeat(1_000_000 / text.length) }, 'line')
    log.close()
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({ msg: 'line' })
  })

  it('stays one line of JSON whatever the texts hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', KEY, PEM, 'Bearer abcdefgh"\\'),
        (text, secret) => {
          const line = JSON.stringify({ text: secret + text, more: text + secret })
          const guarded = withoutSecrets(line)
          expect(guarded).not.toContain('\n')
          expect(() => JSON.parse(guarded)).not.toThrow()
        },
      ),
    )
  })
})

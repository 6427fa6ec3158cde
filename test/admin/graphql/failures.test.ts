import { GraphQLError } from 'graphql'
import { describe, expect, it } from 'vitest'
import { refusal, shownError } from '../../../src/admin/graphql/failures.ts'
import { AegisError } from '../../../src/core/errors.ts'
import { listLog } from '../../support/world.ts'

const SECRET = 'postgres://aegis:hunter2@db/aegis'
const within = (originalError: Error) => new GraphQLError(originalError.message, { originalError, path: ['rooms'] })

describe('an error in GraphQL', () => {
  it('says what REST says: code, status, advice and path', () => {
    const cause = new AegisError('conflict', 'not now', { advice: 'wait', path: 'room', data: { secret: SECRET } })
    expect(shownError(within(cause), listLog()).toJSON()).toEqual({
      message: 'not now',
      path: ['rooms'],
      extensions: { code: 'conflict', status: 409, advice: 'wait', path: 'room' },
    })
  })

  it.each([
    ['a failure of ours', within(new Error(SECRET))],
    ['one that no resolver threw', new Error(SECRET)],
    ['something thrown that is no error', SECRET],
    ['an error inside an error', within(new AegisError('internal', SECRET))],
  ])('keeps to itself, and to the log, what nobody foresaw: %s', async (_, error) => {
    const log = listLog()
    const shown = JSON.stringify(shownError(error, log))
    expect(shown).not.toContain('hunter2')
    expect(shown).not.toContain('stack')
    expect(shown).toContain('"code":"internal"')
    expect(log.lines).toHaveLength(1)
    const answer = refusal([error], log)
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toContain('hunter2')
  })
})

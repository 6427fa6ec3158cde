import { expect, it } from 'vitest'
import { createTurns } from '../../src/gateway/turns.ts'

const pause = () => new Promise((resolve) => setTimeout(resolve, 2))

it('one key has one piece of work at a time, in the order of asking; keys do not wait for each other', async () => {
  const turns = createTurns<string>()
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await pause()
    log.push(`${name} ends`)
  }
  await Promise.all([turns.take('a', work('a1')), turns.take('a', work('a2')), turns.take('b', work('b1'))])
  expect(log.slice(0, 2)).toEqual(['a1 begins', 'b1 begins'])
  expect(log.filter((line) => line.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends'])
})

it('work that fails fails for who asked for it, and the next has its turn', async () => {
  const turns = createTurns<string>()
  const failing = turns.take('a', () => Promise.reject(new Error('no')))
  const next = turns.take('a', async () => 'done')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('done')
})

import { expect, it } from 'vitest'
import { createClosing } from '../../src/compose/closing.ts'

it('closes in the opposite order, each after the one before it has finished', async () => {
  const said: string[] = []
  const closing = createClosing()
  for (const part of ['log', 'store', 'gateway']) {
    closing.add(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      said.push(part)
    })
  }
  await closing.close()
  expect(said).toEqual(['gateway', 'store', 'log'])
})

it('closes the rest where one fails, and says why it failed', async () => {
  const said: string[] = []
  const closing = createClosing()
  closing.add(() => said.push('store'))
  closing.add(() => {
    throw new Error('the socket is gone')
  })
  closing.add(() => said.push('entrance'))
  await expect(closing.close()).rejects.toThrow('the socket is gone')
  expect(said).toEqual(['entrance', 'store'])
})

it('closes everything once', async () => {
  let times = 0
  const closing = createClosing()
  closing.add(() => times++)
  await closing.close()
  await closing.close()
  expect(times).toBe(1)
})

import { vi } from 'vitest'

/** What a command of ours, run in this process, wrote and ended with. */
export interface Captured {
  readonly exit: number
  readonly out: string
  readonly err: string
}

export async function captured(command: () => Promise<number>): Promise<Captured> {
  let [out, err] = ['', '']
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk)
    return true
  })
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk)
    return true
  })
  try {
    const exit = await command()
    const late = process.exitCode
    return { exit: typeof late === 'number' ? late : exit, out, err }
  } finally {
    stdout.mockRestore()
    stderr.mockRestore()
    process.exitCode = undefined
  }
}

import { spawn, spawnSync } from 'node:child_process'

/** What is typed once the screen shows the text: without waiting it would be typed into nothing, as it is into a shell. */
export interface Typed {
  readonly after: string
  readonly keys: string
}

export interface Screen {
  /** Everything that stood on the terminal, prompts included. */
  readonly screen: string
  readonly exit: number
}

/** Why there are no terminals for tests here, or null. `script` of util-linux gives a program a terminal of its own. */
export const noTerminals =
  process.platform === 'linux' &&
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')
    ? null
    : 'needs `script` of util-linux'

/** Runs a shell line in a terminal of its own and types. */
export async function onTerminal(
  line: string,
  env: Readonly<Record<string, string | undefined>>,
  answers: readonly Typed[] = [],
): Promise<Screen> {
  const child = spawn('script', ['-q', '-e', '-c', line, '/dev/null'], { env, detached: true, stdio: 'pipe' })
  let screen = ''
  let at = 0
  const waiting = [...answers]
  const look = (chunk: Buffer) => {
    screen += chunk.toString('utf8')
    const next = waiting[0]
    const found = next === undefined ? -1 : screen.indexOf(next.after, at)
    if (next === undefined || found < 0) return
    at = found + next.after.length
    waiting.shift()
    child.stdin.write(next.keys)
  }
  child.stdout.on('data', look)
  child.stderr.on('data', look)
  const exit = await new Promise<number>((done) => child.once('close', (code) => done(code ?? -1)))
  return { screen: screen.replaceAll('\r\n', '\n'), exit }
}

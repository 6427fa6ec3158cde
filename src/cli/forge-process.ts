import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { ForgeSettings } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import type { Context } from './context.ts'
import { builtFile } from './installation.ts'
import { makePrivateDirectory } from './server-process.ts'

export interface ForgeProcess {
  close(): Promise<void>
}

const READY_MS = 15_000
const GRACE_MS = 3_000

/**
 * Starts the local forge as a process of its own: it plays GitHub, so it shares neither memory nor keys with the server.
 * @throws AegisError `upstream_unreachable` where it does not come up.
 */
export async function startForge(settings: ForgeSettings, context: Context): Promise<ForgeProcess> {
  makePrivateDirectory(settings.dataDir)
  const leash = pathToFileURL(builtFile('src', 'cli', 'leash.js')).href
  const options = ['--port', String(settings.port), '--data', settings.dataDir, '--repo', settings.repository]
  const app = ['--app-id', settings.appId, '--public-key', settings.publicKeyFile]
  const child = spawn(
    process.execPath,
    ['--import', leash, builtFile('starter-kit', 'forge', 'main.js'), ...options, ...app],
    // Nothing of our environment but what finding git needs.
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: context.env['PATH'], HOME: context.env['HOME'], LANG: 'C.UTF-8' },
    },
  )
  const ready = await firstLine(child)
  if (!ready.startsWith('{')) {
    child.kill('SIGKILL')
    throw new AegisError(
      'upstream_unreachable',
      `the local forge did not start on port ${settings.port}${ready && `: ${ready}`}`,
      {
        advice:
          'The lines above say why. Its port stands in aegis.yaml: `local_forge.port`, and two addresses that name it.',
      },
    )
  }
  return { close: () => end(child) }
}

/** The line that says it is ready; else why it is not, or nothing. */
async function firstLine(child: ChildProcess): Promise<string> {
  const { stdout } = child
  if (stdout === null) return ''
  const lines = createInterface({ input: stdout })
  const signal = AbortSignal.timeout(READY_MS)
  try {
    return await Promise.race([
      once(lines, 'line', { signal }).then(([line]) => String(line)),
      once(child, 'exit', { signal }).then(([code]) => `it ended with status ${String(code)}`),
    ])
  } catch (error) {
    return error instanceof Error && error.name === 'AbortError' ? 'no answer in time' : String(error)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
  await gone
  clearTimeout(timer)
}

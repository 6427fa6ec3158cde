import { AegisError } from '../../core/errors.ts'
import { isSessionLabel } from '../../core/ids.ts'
import { ensureServer } from '../server-process.ts'
import { runBridge } from './bridge.ts'

/** Serves MCP on stdin and stdout until stdin ends or the process is told to stop. Nothing else ever goes to stdout. */
export async function mcp(options: { upstream?: string; session?: string }): Promise<void> {
  const { upstream, session } = options
  if (session !== undefined && !isSessionLabel(session)) {
    throw new AegisError('invalid_params', '--session is no session label', {
      advice: 'Use 1 to 128 letters, digits and . _ : - , starting with a letter or digit.',
    })
  }
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  await runBridge({
    input: process.stdin,
    output: process.stdout,
    complain: (text) => process.stderr.write(`aegis mcp: ${text}\n`),
    connect: () => ensureServer(),
    path: upstream === undefined ? '/mcp' : `/mcp/${encodeURIComponent(upstream)}`,
    label: session ?? null,
    stop: stop.signal,
  })
  // A stdin that is still open would keep the process alive after its client has gone.
  process.stdout.write('', () => process.exit(0))
}

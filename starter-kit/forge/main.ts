import { readFileSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { AegisError, asAegisError, ERROR_CODES } from '../../src/core/errors.ts'
import { startForge } from './forge.ts'
import { startFront } from './http-front.ts'

const USAGE = `usage: forge --data DIR --app-id ID --public-key FILE [--port 0] [--repo aegisflow/aegisflow]
             [--installation-id 1] [--first-number 1247] [--front PORT]`

/** Starts the forge (and with `--front` the MCP front before it), prints one JSON line, runs until it is told to end. */
async function main(): Promise<void> {
  const options = readOptions()
  const forge = await startForge(options.forge)
  const front = options.front === null ? null : await startFront({ forgeUrl: forge.url, port: options.front })
  const line = {
    url: forge.url,
    git_dir: forge.gitDir,
    ...(front === null ? {} : { front_url: front.url }),
    pid: process.pid,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  const stop = (): void => {
    void Promise.all([forge.close(), front?.close()]).then(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

function readOptions() {
  const text = { type: 'string' } as const
  const names = { port: text, data: text, repo: text, 'app-id': text, 'public-key': text }
  const more = { 'installation-id': text, 'first-number': text, front: text }
  const values = parse({ ...names, ...more })
  const { data, 'public-key': keyFile } = values
  if (data === undefined || keyFile === undefined) throw usage('--data and --public-key are needed')
  return {
    forge: {
      port: number(values.port ?? '0', '--port'),
      dataDir: data,
      repository: values.repo ?? 'aegisflow/aegisflow',
      app: { appId: number(values['app-id'], '--app-id'), publicKeyPem: readKey(keyFile) },
      installationId: number(values['installation-id'] ?? '1', '--installation-id'),
      firstNumber: number(values['first-number'] ?? '1247', '--first-number'),
    },
    front: values.front === undefined ? null : number(values.front, '--front'),
  }
}

function parse<T extends NonNullable<ParseArgsConfig['options']>>(options: T) {
  try {
    return parseArgs({ options, strict: true }).values
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error))
  }
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AegisError('config', `the App's public key ${file} cannot be read`, { advice: USAGE, path: file, cause })
  }
}

function number(text: string | undefined, name: string): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw usage(`${name} must be a whole number`)
  return Number(text)
}

const usage = (message: string): AegisError => new AegisError('config', message, { advice: USAGE })

main().catch((error: unknown) => {
  const { message, advice, code } = asAegisError(error)
  process.stderr.write(`forge: ${message}\n${advice === null ? '' : `${advice}\n`}`)
  process.exitCode = ERROR_CODES[code].exit
})

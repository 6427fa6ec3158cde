const MAJOR = 20
const MINOR = 19

/** Starts a program. Loads nothing of ours before the Node version is known to be able to read it. */
export function run(name: 'aegis' | 'aegisctl'): void {
  // To an agent's hook only 2 means "blocked": with any other failure the host lets the call run.
  const isHook = process.argv[2] === 'hook'
  const broken = (message: string) => {
    process.stderr.write(`${name}: ${message}\n`)
    process.exit(isHook ? 2 : 3)
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < MAJOR || (major === MAJOR && minor < MINOR)) {
    broken(`needs Node ${MAJOR}.${MINOR} or newer; this is ${process.versions.node}`)
    return
  }
  process.on('uncaughtException', (error) => broken(error.message))
  process.on('unhandledRejection', (error) => broken(error instanceof Error ? error.message : String(error)))
  // A reader that closes early, such as `head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' && !isHook ? 0 : 2))
  import('./main.ts').then(
    async ({ main }) => {
      const status = await main(name, process.argv.slice(2))
      process.exitCode = isHook && status !== 0 ? 2 : status
    },
    (error: Error) => broken(error.message),
  )
}

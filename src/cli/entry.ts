const MAJOR = 20
const MINOR = 19

/** Starts a program. Loads nothing of ours before the Node version is known to be able to read it. */
export function run(name: 'aegis' | 'aegisctl'): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < MAJOR || (major === MAJOR && minor < MINOR)) {
    process.stderr.write(`${name} needs Node ${MAJOR}.${MINOR} or newer; this is ${process.versions.node}\n`)
    process.exitCode = 3
    return
  }
  // A reader that closes early, such as `head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 3))
  void import('./main.ts').then(async ({ main }) => {
    process.exitCode = await main(name, process.argv.slice(2))
  })
}

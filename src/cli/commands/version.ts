import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('version')
    .description('print the version')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const { packageVersion } = await import('../installation.ts')
      const version = packageVersion()
      process.stdout.write(
        options.json ? `${JSON.stringify({ version, node: process.versions.node })}\n` : `${version}\n`,
      )
    })
}

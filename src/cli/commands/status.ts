import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('status')
    .description('is the server up, under which policy, what waits')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../status.ts')).status(options))
}

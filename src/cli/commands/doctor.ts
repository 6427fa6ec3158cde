import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('doctor')
    .description('check the installation and say how to mend what is wrong')
    .option('--prove', 'send an allow, a block and a review through the real API')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../doctor.ts')).doctor(options))
}

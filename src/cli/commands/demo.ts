import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('demo')
    .description('the whole story in half a minute: allow, block, review, approve, run, prove; no account, no network')
    .option('--out <file>', 'where to leave the evidence', 'aegis-demo-evidence.json')
    .action(async (options) => (await import('../demo/demo.ts')).demo(options))
}

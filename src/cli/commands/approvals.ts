import type { Command } from 'commander'

/** `pending`, `approve`, `deny`: the same on both programs. */
export function register(program: Command): void {
  program
    .command('pending [id]')
    .description('what waits for a person; with an id, exactly what would run')
    .option('--status <status>', 'pending, approved, denied, expired, redeemed or all', 'pending')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (id: string | undefined, options) => {
      const queue = await import('../approval-queue.ts')
      return id === undefined ? queue.pending(options) : queue.show(id, options)
    })
  for (const verb of ['approve', 'deny'] as const) {
    program
      .command(`${verb} <id>`)
      .description(verb === 'approve' ? 'let one waiting action run, once' : 'refuse one waiting action')
      .requiredOption('--comment <text>', 'why; goes into the evidence')
      .option('--reviewer <name>', 'the name to show; the key you use is recorded besides')
      .option('--json', 'as JSON (the default)')
      .action(async (id, options) => (await import('../approval-queue.ts')).settle(verb, id, options))
  }
}

import type { Command } from 'commander'

/** `pending`, `approve`, `deny`, `delegate`, `delegations`: the same on both programs. */
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
  program
    .command('approve <id...>')
    .description('let waiting actions run, each once; several at a time where none is critical')
    .requiredOption('--comment <text>', 'why; goes into the evidence')
    .option('--repeat', 'let it run again and again for as long as its rule says')
    .option('--reviewer <name>', 'the name to show; the key you use is recorded besides')
    .option('--json', 'as JSON (the default)')
    .action(async (ids: readonly string[], options) => (await import('../approval-queue.ts')).approve(ids, options))
  program
    .command('deny <id>')
    .description('refuse one waiting action')
    .requiredOption('--comment <text>', 'why; goes into the evidence')
    .option('--reviewer <name>', 'the name to show; the key you use is recorded besides')
    .option('--json', 'as JSON (the default)')
    .action(async (id, options) => (await import('../approval-queue.ts')).settle('deny', id, options))
  program
    .command('delegate')
    .description("let another reviewer speak in one's place for a time")
    .requiredOption('--to <owner>', 'owner of the other reviewer’s keys')
    .requiredOption('--until <time>', '2h, 3d, a date or an RFC 3339 time; at most 30 days')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../delegations.ts')).delegate(options))
  program
    .command('delegations')
    .description('who speaks for whom; `--end ID` takes one back')
    .option('--end <id>', 'take this one back')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../delegations.ts')).delegations(options))
}

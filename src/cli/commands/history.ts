import type { Command } from 'commander'

/** What happened: `logs`, `audit`, `sessions`, `session`, `stats`; the same on both programs. */
export function register(program: Command): void {
  const filtered = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--session <session>', 'label or full id of one session')
      .option('--agent <name>', 'entries of this agent')
      .option('--action <text>', 'tools or protocols that contain this text')
      .option('--since <time>', 'not older than this: 90s, 30m, 24h, 7d or an RFC 3339 time')
      .option('--limit <count>', 'at most this many, newest first', '50')
      .option('--format <format>', 'table, json or csv')
      .option('--json', 'as JSON')

  filtered('logs', 'decisions and results, newest first')
    .option('--allowed', 'only what was allowed')
    .option('--denied', 'only what was blocked or denied')
    .action(async (options) => (await import('../history.ts')).logs(options))
  filtered('audit', 'what people and the clock decided: approvals, denials, expiries, lost calls').action(
    async (options) => (await import('../history.ts')).audit(options),
  )

  program
    .command('sessions')
    .description('the sessions in the evidence')
    .option('--agent <text>', 'principals or labels that contain this text')
    .option('--since <time>', 'active since: 24h, 7d or an RFC 3339 time')
    .option('--limit <count>', 'at most this many, newest first', '50')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../history.ts')).sessions(options))
  program
    .command('session <id>')
    .description('every entry of one session, in order')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (id, options) => (await import('../history.ts')).session(id, options))
  program
    .command('stats')
    .description('how many of what')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../history.ts')).stats(options))
  program
    .command('why <id>')
    .description('why an action came out as it did: the rule, the guards, the people, the result')
    .option('--json', 'as JSON')
    .action(async (id, options) => (await import('../why.ts')).why(id, options))
}

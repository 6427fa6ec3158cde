import type { Command } from 'commander'

const UPSTREAMS = 'names of upstreams without a catalog, whose tools rules may name (default: those in aegis.yaml)'

export function register(program: Command): void {
  const policy = program.command('policy').description('check, test and explain policies')
  policy
    .command('lint')
    .description('report every mistake in policy files, with line and column')
    .argument('<policy...>', 'files, or names of packs')
    .option('--upstreams <names...>', UPSTREAMS)
    .option('--json', 'as JSON')
    .action(async (names, options) => (await import('../policy.ts')).lint(names, options))
  policy
    .command('test')
    .description('judge the cases of a policy; exit 1 where one fails')
    .argument('<policy>', 'a file, or the name of a pack')
    .option('--cases <file>', 'a list of cases (default: the .cases.yaml beside the policy)')
    .option('--upstreams <names...>', UPSTREAMS)
    .option('--json', 'as JSON')
    .action(async (name, options) => (await import('../policy.ts')).test(name, options))
  policy
    .command('explain')
    .description('what would be decided, by which rule, and why the others do not match')
    .argument('<action>', 'a shell command line, or an action as JSON: {"protocol", "tool", "target", ...}')
    .option('--policy <name...>', 'files, or names of packs (default: those in aegis.yaml)')
    .option('--upstreams <names...>', UPSTREAMS)
    .option('--json', 'as JSON')
    .action(async (action, options) => (await import('../policy.ts')).explain(action, options))
  registerVersions(policy)
}

function registerVersions(policy: Command): void {
  policy
    .command('history')
    .description('the policies that were in force, newest first; with a number, what that version said')
    .argument('[version]', 'the number of a version')
    .option('--limit <count>', 'at most this many', '50')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (version, options) => (await import('../policy-history.ts')).history(version, options))
  policy
    .command('diff')
    .description('what differs between two policies: rules, guards, text')
    .argument('<from>', 'the number of a version, a file, or the name of a pack')
    .argument('<to>', 'the same')
    .option('--replay', 'and which recorded decisions the second would change')
    .option('--json', 'as JSON')
    .action(async (from, to, options) => (await import('../policy-history.ts')).diff(from, to, options))
  policy
    .command('rollback')
    .description('put what an earlier version said into force, until the files on disk change')
    .argument('<version>', 'the number of a version')
    .option('--expected <version>', 'only where this version is in force now')
    .option('--json', 'as JSON')
    .action(async (version, options) => (await import('../policy-history.ts')).rollback(version, options))
  policy
    .command('replay')
    .description('what a policy would have decided of what is recorded')
    .option('--policy <name...>', 'files, or names of packs (default: those in aegis.yaml)')
    .option('--version <version>', 'a version of the running server instead')
    .option('--against <ledger>', 'a bundle, a SQLite file or a PostgreSQL URL (default: the running server)')
    .option('--upstreams <names...>', UPSTREAMS)
    .option('--fail-on-change', 'exit 1 where a decision would change')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../policy-replay.ts')).replay(options))
}

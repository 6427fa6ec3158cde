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
}

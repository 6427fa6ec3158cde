import type { Command } from 'commander'

/** `pins`: the definitions of upstreams' tools, what changed, and the word of a person. */
export function register(program: Command): void {
  const pins = program
    .command('pins')
    .description('definitions of tools: what is trusted, what changed, accept or reject')
  pins
    .command('list')
    .description('every tool with its state; changed and new ones are withheld from agents')
    .argument('[upstream]', 'name of an upstream')
    .option('--waiting', 'only those that wait for a person')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (upstream, options) => (await import('../pins.ts')).listPins(upstream, options))
  pins
    .command('diff')
    .description('what differs from the definition that was accepted; exit 1 where something does')
    .argument('<upstream>', 'name of an upstream')
    .argument('[tool]', 'one tool (default: all that wait)')
    .option('--json', 'as JSON')
    .action(async (upstream, tool, options) => (await import('../pins.ts')).showDiff(upstream, tool, options))
  for (const verb of ['accept', 'reject'] as const) {
    pins
      .command(verb)
      .description(
        verb === 'accept'
          ? 'put the definition that waits in force; shows it first'
          : 'drop the definition that waits: the upstream is to go back to what was accepted',
      )
      .argument('<upstream>', 'name of an upstream')
      .argument('[tool]', 'name of a tool')
      .option('--all', 'all tools of the upstream that wait')
      .option('--digest <digest>', 'only if the definition is still this one (its first 8 digits or more)')
      .option('--json', 'as JSON')
      .action(async (upstream, tool, options) => (await import('../pins.ts')).decidePins(verb, upstream, tool, options))
  }
}

import type { Command } from 'commander'

const KEY = 'id of the key, or its name where only one in force has it'

/** `keys`: who may call, in which role, until when. */
export function register(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys of agents and people; those of rooms are made by `rooms key`')
  keys
    .command('list')
    .description('every key with its owner, its last use and its end')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../keys.ts')).listKeys(options))
  keys
    .command('create')
    .description('make a key; its secret is shown once')
    .requiredOption('--role <role>', 'agent, viewer, reviewer or admin')
    .requiredOption('--name <name>', 'for people')
    .option('--owner <owner>', "whose self it is in approvals (default: you; for an agent's key agent:<name>)")
    .option('--sponsor <person>', 'whom it acts for (default: you, or the owner named)')
    .option('--expires <when>', '90d, 2027-01-31, an RFC 3339 time, or never', 'never')
    .option('--share-owner', 'let it be one self with a key that acts for somebody else')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../keys.ts')).createKey(options))
  keys
    .command('rotate')
    .description('a new secret for the same name, owner, role and room; the old one ends')
    .argument('<key>', KEY)
    .option('--overlap <time>', 'how long the old secret stays good: 24h', '0')
    .option('--expires <when>', 'when the new one expires (default: it lives as long as the old one was made to)')
    .option('--json', 'as JSON')
    .action(async (key, options) => (await import('../keys.ts')).rotateKey(key, options))
  keys
    .command('revoke')
    .description('at once here, within two seconds in other gateways')
    .argument('<key>', KEY)
    .option('--json', 'as JSON')
    .action(async (key, options) => (await import('../keys.ts')).revokeKey(key, options))
}

import type { Command } from 'commander'

/** `credentials`: what is configured, which tokens are out, and the end of one of them. */
export function register(program: Command): void {
  const credentials = program
    .command('credentials')
    .description('credentials that are lent: what is configured, which tokens live, which wait to be revoked')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../credentials.ts')).listCredentials(options))
  credentials
    .command('revoke')
    .description('end one token now, whether or not its call has ended')
    .argument('<hash-prefix>', 'the first 8 or more digits of its hash')
    .option('--json', 'as JSON')
    .action(async (prefix, _options, command) =>
      (await import('../credentials.ts')).revokeToken(prefix, command.optsWithGlobals()),
    )
}

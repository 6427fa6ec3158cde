import type { Command } from 'commander'

/** `login`, `whoami`: which key the commands use here. */
export function register(program: Command): void {
  program
    .command('login')
    .description('keep a key in the client file of this user')
    .option('--url <url>', 'address of the admin port (default: that of the key kept already, or of this machine)')
    .option('--key <->', 'read the key from stdin; without it, from the terminal')
    .option('--protect', 'behind a passphrase, asked for on the terminal each time it is used')
    .option('--change-passphrase', 'another one for the key kept here')
    .action(async (options) => (await import('../login/login.ts')).login(options))
  program
    .command('whoami')
    .description('who the server takes you for')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const { whoami } = await import('../login/login.ts')
      const { adminEndpoint } = await import('../client.ts')
      const { processContext } = await import('../context.ts')
      const context = processContext()
      context.out(await whoami(adminEndpoint(context), options.json === true))
    })
}

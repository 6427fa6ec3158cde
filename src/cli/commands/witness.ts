import type { Command } from 'commander'

/** A process of its own, for another machine and another administrator than the log's. */
export function register(program: Command): void {
  program
    .command('witness')
    .description('cosign checkpoints that continue what was seen before (C2SP tlog-witness)')
    .option('--key <file>', "the witness's private key; its public line stands beside it as <file>.vkey")
    .option('--log <file>', 'the public lines (log.vkey) of the logs to witness')
    .option('--listen <address>', 'host:port', '127.0.0.1:8095')
    .option('--state <dir>', 'where the last seen checkpoint of each log is kept; losing it loses the protection')
    .option('--new-key <file>', 'make a key, print its public line, and do nothing else')
    .option('--name <name>', 'name of the new key, such as witness.example/w1')
    .action(async (options) => (await import('../witness.ts')).witness(options))
}

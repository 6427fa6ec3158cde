import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('serve')
    .description('run the server: the MCP bridge and the admin API')
    .option('--policy <name>', 'pack or policy file; overrides the configuration')
    .option('--host <address>', 'address to listen on')
    .option('--port <port>', 'port of the MCP bridge; 0 takes a free one')
    .option('--admin-port <port>', 'port of the admin API; 0 takes a free one')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--detach', 'run in the background and return once it answers')
    .action(async (options) => (await import('../serve.ts')).serve(options))
  program
    .command('stop')
    .description('end the server of this installation, letting running calls finish')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../serve.ts')).stop(options))
}

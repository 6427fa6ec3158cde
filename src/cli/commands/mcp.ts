import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('mcp')
    .description(
      'serve MCP on stdin and stdout, for editors that start their servers: a thin client of the running Aegis',
    )
    .option('--upstream <name>', 'one upstream with its own tool names; without it, all of them as <upstream>__<tool>')
    .option('--session <label>', 'name of the session in the evidence')
    .action(async (options: { upstream?: string; session?: string }) => (await import('../mcp/mcp.ts')).mcp(options))
}

import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('init')
    .description('make an installation, or bring an existing one to what the options say')
    .option('--policy <name>', 'pack or policy file (default: pr-writer)')
    .option('--api-key <key>', 'the agent key; random where absent')
    .option('--port <port>', 'port of the MCP bridge (default: 8080)')
    .option('--admin-port <port>', 'port of the admin API (default: 8081)')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--github-app-id <id>', 'GitHub App that lends credentials; without one a local forge stands in')
    .option('--github-app-key <file>', "the App's private key")
    .option('--editor <editor>', 'claude, cursor or vscode: add the bridge to its file in this folder')
    .option('--agent <name>', "name of the agent's key (default: the editor's)")
    .option('--owner <person>', 'whose admin key it is (default: the user who types this)')
    .option('--agents-uid <uid>', 'user of this machine that agents run as, where the server runs as another')
    .option('--agents-socket <path>', 'where those agents reach the server')
    .option('--renew-agent-key', 'make another agent key, and end the one there is')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../setup/init.ts')).init(options))
}

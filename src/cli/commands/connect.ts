import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('connect <editor>')
    .description("add the bridge to an editor's file in the current folder: claude, cursor or vscode")
    .action(async (editor: string) => (await import('../setup/init.ts')).connect(editor))
}

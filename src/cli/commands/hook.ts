import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('hook <agent>')
    .description("judge one tool call of an agent's own hook: reads the event on stdin, answers by exit status")
    .action(async (agent: string) => (await import('../hook.ts')).hook(agent))
}

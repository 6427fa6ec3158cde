import type { Command } from 'commander'

/** `notifications`: where people are told of things, how far behind each place is, and what was given up. */
export function register(program: Command): void {
  const notifications = program
    .command('notifications')
    .description('where people are told of approvals: how far behind each place is, and what was given up')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../notifications.ts')).listNotifications(options))
  notifications
    .command('retry')
    .description('try a message again that was given up')
    .argument('<id>', 'its id, as `aegisctl notifications` shows it')
    .option('--json', 'as JSON')
    .action(async (id, _options, command) =>
      (await import('../notifications.ts')).retryNotification(id, command.optsWithGlobals()),
    )
}

import type { Command } from 'commander'

const URL = 'as an administrator: postgres://role@host/database; a password may stand in PGPASSWORD or ~/.pgpass'

/** The database behind the gateways. These need rights that a gateway never has. */
export function register(program: Command): void {
  const db = program.command('db').description('prepare a PostgreSQL database, move a store into it')
  db.command('migrate')
    .description('make roles, schema and tables, or bring them up to date; changes nothing where all is there')
    .requiredOption('--store <url>', URL)
    .option('--app <login...>', 'logins of gateways: made members of led_app, and made where missing')
    .option('--read <login...>', 'logins of auditors: led_read')
    .option('--retention <login...>', 'logins that prune: led_retention')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../db.ts')).migrate(options))
  db.command('copy')
    .description('copy a whole SQLite store into an empty database, every hash unchanged and checked')
    .requiredOption('--from <file>', 'SQLite file of the evidence; its server must be stopped')
    .requiredOption('--to <url>', 'postgres://role@host/database, prepared by `aegisctl db migrate`')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../db.ts')).copy(options))
}

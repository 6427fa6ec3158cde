import { resolve } from 'node:path'
import { AegisError } from '../core/errors.ts'
import { processContext } from './context.ts'
import { jsonText, visible } from './output.ts'

interface MigrateCommand {
  readonly store: string
  readonly app?: readonly string[]
  readonly read?: readonly string[]
  readonly retention?: readonly string[]
  readonly json?: boolean
}

export async function migrate({ store, app, read, retention, json }: MigrateCommand): Promise<void> {
  const context = processContext()
  await requirePostgres(store, '--store')
  const { migratePostgres } = await import('../store/postgres/migrate.ts')
  const members = [
    ...(app ?? []).map((login) => ({ role: 'led_app' as const, login })),
    ...(read ?? []).map((login) => ({ role: 'led_read' as const, login })),
    ...(retention ?? []).map((login) => ({ role: 'led_retention' as const, login })),
  ]
  const report = await migratePostgres(store, { members })
  if (json === true) {
    context.out(jsonText({ ...report, done: [...report.done], warnings: [...report.warnings] }))
    return
  }
  for (const line of report.done) context.out(`${visible(line)}\n`)
  for (const line of report.warnings) context.out(`warning: ${visible(line)}\n`)
  const state = report.done.length === 0 ? 'was ready already' : 'is ready'
  context.out(`${visible(report.database)} ${state}: schema ${report.total} of ${report.total}\n`)
}

interface CopyCommand {
  readonly from: string
  readonly to: string
  readonly json?: boolean
}

/** Rows between two lines of progress. */
const EVERY = 10_000

export async function copy({ from, to, json }: CopyCommand): Promise<void> {
  const context = processContext()
  await requirePostgres(to, '--to')
  const { copyToPostgres } = await import('../store/copy/index.ts')
  let told = 0
  const report = await copyToPostgres(resolve(context.cwd, from), to, (step, done) => {
    if (done < told) told = 0
    if (done - told < EVERY) return
    told = done
    context.err(`${step}: ${done}\n`)
  })
  if (json === true) {
    context.out(jsonText({ ...report, rows: { ...report.rows } }))
    return
  }
  for (const [table, rows] of Object.entries(report.rows)) context.out(`${table}: ${rows} rows\n`)
  context.out(`copied ${report.size} entries to ${visible(report.to)}, every row compared\nroot: ${report.root}\n`)
}

async function requirePostgres(url: string, option: string): Promise<void> {
  const { isPostgres } = await import('../store/open.ts')
  if (isPostgres(url)) return
  throw new AegisError('invalid_params', `${option} is not a postgres:// URL`, {
    advice: 'Such as postgres://admin@db.example/aegis.',
    path: option,
  })
}

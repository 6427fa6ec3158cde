import { Command, CommanderError } from 'commander'
import { AegisError, asAegisError, ERROR_CODES } from '../core/errors.ts'
import { jsonText, visible } from './output.ts'

type Program = 'aegis' | 'aegisctl'

interface Noun {
  /** The verbs this file registers, by the program that offers them. */
  readonly verbs: Readonly<Partial<Record<Program, readonly string[]>>>
  load(): Promise<{ register(program: Command): void }>
}

/** What reviewers do, on both programs. */
const REVIEWING = ['pending', 'approve', 'deny', 'delegate', 'delegations'] as const

/** Every command and the file it lives in. Only the file of the verb typed is loaded: a hook runs on every call of an agent. */
const NOUNS: readonly Noun[] = [
  { verbs: { aegis: ['serve', 'stop'] }, load: () => import('./commands/serve.ts') },
  { verbs: { aegis: ['mcp'] }, load: () => import('./commands/mcp.ts') },
  { verbs: { aegis: ['hook'] }, load: () => import('./commands/hook.ts') },
  { verbs: { aegis: ['connect'] }, load: () => import('./commands/connect.ts') },
  { verbs: { aegis: ['init'] }, load: () => import('./commands/init.ts') },
  { verbs: { aegis: ['doctor'] }, load: () => import('./commands/doctor.ts') },
  { verbs: { aegis: ['demo'] }, load: () => import('./commands/demo.ts') },
  { verbs: { aegis: ['status'], aegisctl: ['status'] }, load: () => import('./commands/status.ts') },
  {
    verbs: { aegis: REVIEWING, aegisctl: REVIEWING },
    load: () => import('./commands/approvals.ts'),
  },
  { verbs: { aegisctl: ['evidence'] }, load: () => import('./commands/evidence.ts') },
  { verbs: { aegisctl: ['witness'] }, load: () => import('./commands/witness.ts') },
  { verbs: { aegisctl: ['db'] }, load: () => import('./commands/db.ts') },
  { verbs: { aegisctl: ['policy'] }, load: () => import('./commands/policy.ts') },
  { verbs: { aegisctl: ['pins'] }, load: () => import('./commands/pins.ts') },
  { verbs: { aegisctl: ['rooms'] }, load: () => import('./commands/rooms.ts') },
  { verbs: { aegisctl: ['login', 'whoami'] }, load: () => import('./commands/login.ts') },
  { verbs: { aegisctl: ['keys'] }, load: () => import('./commands/keys.ts') },
  { verbs: { aegisctl: ['credentials'] }, load: () => import('./commands/credentials.ts') },
  { verbs: { aegisctl: ['notifications'] }, load: () => import('./commands/notifications.ts') },
  {
    verbs: {
      aegis: ['logs', 'sessions', 'session', 'stats', 'audit', 'why'],
      aegisctl: ['logs', 'sessions', 'session', 'stats', 'audit', 'why'],
    },
    load: () => import('./commands/history.ts'),
  },
  { verbs: { aegis: ['version'], aegisctl: ['version'] }, load: () => import('./commands/version.ts') },
]

const SUMMARY: Readonly<Record<Program, string>> = {
  aegis: 'Policy proxy for coding agents with a hash-chained evidence ledger: runs things',
  aegisctl: 'Operates a running Aegis: approvals, evidence, policies, history',
}

const USAGE = 2
const VERSION_OPTIONS: readonly string[] = ['--version', '-V']

/** Runs one command line. Resolves to the exit status; says on stderr what went wrong and how to mend it. */
export async function main(name: Program, argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  const program = new Command(name)
    .description(SUMMARY[name])
    .exitOverride()
    .showHelpAfterError('(--help shows the usage)')
  if (json) program.configureOutput({ writeErr: () => {} })
  const offered = NOUNS.filter((noun) => noun.verbs[name])
  const verb = VERSION_OPTIONS.includes(argv[0] ?? '') ? 'version' : (argv[0] ?? '')
  const typed = offered.find((noun) => noun.verbs[name]?.includes(verb))
  for (const noun of typed ? [typed] : offered) (await noun.load()).register(program)
  // A file may register verbs for both programs; each offers only its own.
  for (const command of program.commands) command.exitOverride()
  try {
    await program.parseAsync(argv.length === 0 ? [] : [verb, ...argv.slice(1)], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    return failed(error, json)
  }
}

function failed(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (error instanceof CommanderError && !json) return USAGE // Commander has printed its message
  const known = error instanceof CommanderError ? misused(error) : asAegisError(error)
  const { code, message, advice, path } = known
  if (json)
    process.stderr.write(jsonText({ error: { type: code, message, ...(advice && { advice }), ...(path && { path }) } }))
  else {
    const lines = message.split('\n').map(visible).join('\n')
    process.stderr.write(`${lines}${advice === null ? '' : `\n  -> ${visible(advice)}`}\n`)
  }
  return ERROR_CODES[code].exit
}

function misused(error: CommanderError): AegisError {
  const message = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '')
  return new AegisError('invalid_params', message, { advice: '--help shows the usage' })
}

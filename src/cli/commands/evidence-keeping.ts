import type { Command } from 'commander'

const STORE = ['--store <store>', 'SQLite file of the evidence, or a postgres:// URL'] as const

/** How long evidence is kept. What writes asks the server; what reads looks into the store or the file itself. */
export function registerKeeping(evidence: Command): void {
  evidence
    .command('erase')
    .description('delete a committed value and its salt for good; the chain still verifies, and says so')
    .requiredOption('--entry <number>', 'the entry, by its number in the log')
    .requiredOption('--path <path...>', 'params, target, result, comment or justification')
    .requiredOption('--reason <text>', 'why: it is recorded, so name nobody')
    .option('--authority <text>', 'on whose word, such as the number of a request')
    .option('--everywhere', 'also from the other entries of the same approval')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/keeping.ts')).erase(options))
  evidence
    .command('hold')
    .description('keep a session from being pruned or erased')
    .requiredOption('--session <session>', 'label or full id of the session')
    .requiredOption('--reason <text>', 'why')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/keeping.ts')).hold(options))
  evidence
    .command('unhold')
    .description('lift a legal hold')
    .requiredOption('--session <session>', 'label or full id of the session')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/keeping.ts')).unhold(options))
  evidence
    .command('holds')
    .description('sessions under a legal hold')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/keeping.ts')).holds(options))
  evidence
    .command('close')
    .description('append the final manifest of a session; a later entry opens it again')
    .requiredOption('--session <session>', 'label or full id of the session')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/keeping.ts')).close(options))
  registerArchive(evidence)
  registerRecover(evidence)
}

/** With the server stopped: who can no longer start it cannot ask it. */
function registerRecover(evidence: Command): void {
  evidence
    .command('recover')
    .description('after a failover or a restored backup: what the store lacks of what was signed')
    .option('--accept-loss', 'record the loss in the log, with both roots, and let the log go on without it')
    .option('--reason <text>', 'why: it is recorded, so name nobody')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/recover.ts')).recover(options))
}

function registerArchive(evidence: Command): void {
  evidence
    .command('archive')
    .description('write closed sessions to a file that proves by itself what it holds')
    .requiredOption('--before <day>', 'sessions whose last entry is older, such as 2026-10-01')
    .requiredOption('--out <file>', 'a new file, one JSON text a line')
    .option('--close-idle', 'first close the open sessions among them')
    .option(...STORE)
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/archive.ts')).archive(options))
  evidence
    .command('prune')
    .description('delete from the log what an archive holds; proofs go on working')
    .requiredOption('--archive <file>', 'the archive')
    .option('--key <vkey>', "the log's key, or a file of keys; otherwise those of the installation here")
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/archive.ts')).prune(options))
  evidence
    .command('extract')
    .description("take one session's bundle out of an archive")
    .requiredOption('--archive <file>', 'the archive')
    .requiredOption('--session <session>', 'label or full id of the session')
    .requiredOption('--out <file>', 'where to write it')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/archive.ts')).extract(options))
}

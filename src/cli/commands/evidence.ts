import type { Command } from 'commander'
import { registerKeeping } from './evidence-keeping.ts'

/** What was recorded, and whether it still is what was recorded. Reads the store or the bundle itself: never asks the server. */
export function register(program: Command): void {
  const evidence = program.command('evidence').description('sessions, bundles and their verification')
  evidence
    .command('sessions')
    .description('the sessions in the store')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--limit <count>', 'at most this many, newest first', '50')
    .option('--format <format>', 'table, json or csv')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/sessions.ts')).sessions(options))
  evidence
    .command('export')
    .description('write the bundle of one session: the file for an auditor')
    .requiredOption('--session <session>', 'label or full id of the session')
    .requiredOption('--out <file>', 'where to write it')
    .option('--entries <places>', 'only these, such as 3,7 (places in the session from 0), with a proof of each')
    .option(
      '--format <format>',
      'bundle, html (a report for people, with the bundle in it) or dsse (an in-toto statement)',
    )
    .option('--redact <path...>', 'withhold these values: params, target, result, comment, justification')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/export.ts')).exportBundle(options))
  evidence
    .command('verify')
    .description(
      'recompute every hash and link; exit 0 valid, 1 tampered, 3 cannot decide, 4 below the trust asked for',
    )
    .option('--session <session>', 'label or full id of a session in the store')
    .option('--bundle <file>', 'an exported bundle, or an archive of them')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--all', 'the whole store: every session, leaf, tile and checkpoint')
    .option('--key <vkey>', "the log's key, or a file of keys; otherwise those of the installation here")
    .option('--anchor <anchor...>', 'compare with file:PATH or git:REPOSITORY#REF')
    .option('--require-anchor', 'exit 4 unless an anchor holds all of it')
    .option('--require-witness <count>', 'exit 4 unless so many witnesses cosigned it')
    .option('--fast', 'leave out the canonical form and the columns, never hashes, links, tree or signatures')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/verify.ts')).verify(options))
  evidence
    .command('fsck')
    .description('verify --all: everything a store holds, its head rows and extent among it')
    .option('--store <store>', 'SQLite file of the evidence, or a postgres:// URL')
    .option('--key <vkey>', "the log's key, or a file of keys; otherwise those of the installation here")
    .option('--anchor <anchor...>', 'compare with file:PATH or git:REPOSITORY#REF')
    .option('--fast', 'leave out the canonical form and the columns')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../evidence/fsck.ts')).fsck(options))
  evidence
    .command('checkpoint')
    .description('the newest signed checkpoint of the log, made now')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../log-checkpoint.ts')).checkpoint(options))
  evidence
    .command('rotate-key')
    .description('sign with a new key from now on')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../log-checkpoint.ts')).rotateKey(options))
  registerKeeping(evidence)
}

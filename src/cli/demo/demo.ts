import { spawn } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AegisError } from '../../core/errors.ts'
import { type Context, processContext } from '../context.ts'
import { builtFile } from '../installation.ts'
import { visible } from '../output.ts'
import { buildStage, type Stage } from './stage.ts'
import { tellStory } from './story.ts'
import { tampered } from './tamper.ts'

/** Tells the whole story and leaves its evidence. Exit 0 only where every step came out as told. */
export async function demo(options: { out: string }): Promise<void> {
  const context = processContext()
  const out = resolve(context.cwd, options.out)
  const started = Date.now()
  const stage = await buildStage(context)
  const interrupted = () => void stage.close().finally(() => process.exit(130))
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    const session = await tellStory(stage, (text) => context.out(`${text}\n`))
    await prove(stage, session, out, context)
    context.out(
      `\nDone in ${Math.round((Date.now() - started) / 1000)} s. Everything temporary is gone; the evidence stays:\n`,
    )
    // The key ends with the demo: what it signed can be checked as long as its public half is kept.
    copyFileSync(stage.config.places.logTrust, resolve(context.cwd, keyFile(options.out)))
    context.out(`  ${out}\n  aegisctl evidence verify --bundle ${options.out} --key ${keyFile(options.out)}\n`)
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await stage.close()
  }
}

function keyFile(out: string): string {
  return `${out.replace(/\.json$/, '')}.vkey`
}

async function prove(stage: Stage, session: string, out: string, { out: print }: Context): Promise<void> {
  print('\n7  The evidence: one file, checked without the server, the database or us\n')
  await aegisctl(stage, print, ['evidence', 'export', '--session', session, '--out', out], 0)
  await aegisctl(stage, print, ['evidence', 'verify', '--bundle', out], 0)
  print('\n8  Somebody rewrites history: in a copy, the block of `rm` becomes an allow\n')
  const forged = join(stage.folder, 'tampered.json')
  writeFileSync(forged, tampered(readFileSync(out, 'utf8')))
  await aegisctl(stage, print, ['evidence', 'verify', '--bundle', forged], 1)
}

/** The real command, as a person would type it. @throws AegisError where it does not end with the status told. */
async function aegisctl(
  stage: Stage,
  print: (text: string) => void,
  words: readonly string[],
  expected: number,
): Promise<void> {
  print(`   $ aegisctl ${words.join(' ')}\n`)
  const child = spawn(process.execPath, [builtFile('src', 'cli', 'aegisctl.js'), ...words], {
    env: { ...stage.context.env },
    cwd: stage.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const status = await new Promise((done) => child.once('close', done))
  for (const line of said.trimEnd().split('\n')) print(`   ${visible(line)}\n`)
  print(`   (exit ${String(status)})\n`)
  if (status !== expected) {
    throw new AegisError(
      'cannot_decide',
      `aegisctl ${words.slice(0, 2).join(' ')} ended with ${String(status)}, not ${expected}`,
    )
  }
}

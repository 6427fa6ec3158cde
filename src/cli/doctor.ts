import { processContext } from './context.ts'
import type { Check } from './doctor/check.ts'
import { runChecks } from './doctor/checks.ts'
import { prove } from './doctor/prove.ts'
import { jsonText, visible } from './output.ts'

const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const

/** Exit 0 where nothing fails (warnings are said), 1 otherwise. */
export async function doctor(options: { prove?: boolean; json?: boolean }): Promise<void> {
  const context = processContext()
  const checks = options.prove ? await prove(context) : await runChecks(context)
  if (options.json) context.out(jsonText(checks.map((check) => ({ ...check }))))
  else for (const check of checks) context.out(line(check))
  if (checks.some(({ state }) => state === 'fail')) process.exitCode = 1
}

function line({ name, state, detail, advice }: Check): string {
  const shown = detail.split('\n').map(visible).join('\n    ')
  return `${MARKS[state]} ${name}: ${shown}\n${advice === null ? '' : `    -> ${visible(advice)}\n`}`
}

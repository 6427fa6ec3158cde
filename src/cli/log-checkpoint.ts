import { isObject, type Json, textMember } from '../core/json.ts'
import { adminEndpoint, ask } from './client.ts'
import { processContext } from './context.ts'
import { jsonText, visible } from './output.ts'

/** The signed note, as one may keep it elsewhere: whoever holds an old one can prove that the log only grew. */
export async function checkpoint(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'GET', '/admin/v1/evidence/checkpoint')
  context.out(options.json === true ? jsonText(answer) : noteOf(answer))
}

/** Signs with a new key from now on. */
export async function rotateKey(options: { json?: boolean }): Promise<void> {
  const context = processContext()
  const answer = await ask(adminEndpoint(context), 'POST', '/admin/v1/evidence/rotate-key')
  if (options.json === true) return context.out(jsonText(answer))
  const vkey = isObject(answer) ? textMember(answer, 'vkey') : undefined
  context.out(`the log is signed by a new key: ${visible(vkey ?? '')}\n`)
  context.out('  give it to all who verify; the checkpoint that hands over is signed by both keys\n')
}

function noteOf(answer: Json): string {
  const note = isObject(answer) ? (textMember(answer, 'note') ?? '') : ''
  return note.split('\n').map(visible).join('\n')
}

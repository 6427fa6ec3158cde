import { AegisError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import { describeLine, lineAct } from '../shell/index.ts'
import type { Described } from './catalog.ts'
import { manyActs, oneAct, optionalText, reading } from './reading.ts'

/** Tools whose line is the command itself; any other `shell.<name>` has its name before the target. */
const WHOLE_LINE = new Set(['shell', 'shell.exec', 'shell.bash', 'shell.sh', 'shell.run', 'shell.line'])
/** Members of a hook's shell tool that do not change what runs. */
const HARMLESS = new Set(['command', 'description', 'timeout', 'run_in_background'])

/**
 * A shell action. The line is `parameters.command`, or made of tool and target: `shell.rm` with `/workspace` is
 * `rm /workspace`. Every simple command in it is an act.
 * @throws AegisError `invalid_params` where target and `parameters.command` disagree, or there is no line.
 */
export function describeShell(tool: string, target: string, parameters: JsonObject): Described {
  const line = lineOf(tool, target, optionalText(reading(parameters), 'command'))
  const filled: JsonObject = { ...parameters, command: line }
  const acts = [...describeLine(line)]
  const strange = Object.keys(parameters).find((key) => !HARMLESS.has(key))
  if (strange !== undefined) acts.push(lineAct(line, `the argument ${excerpt(strange)} may change what runs`))
  const [first, ...rest] = acts
  if (first === undefined) throw noLine()
  if (rest.length === 0) return oneAct(first, filled)
  return manyActs(
    { protocol: 'shell', tool: 'shell.line', capability: 'execute', target: line },
    [first, ...rest],
    filled,
  )
}

function lineOf(tool: string, target: string, command: string | null): string {
  const name = WHOLE_LINE.has(tool) ? '' : tool.slice('shell.'.length)
  if (name !== '' && !/^[\w.+-]{1,64}$/.test(name)) {
    throw new AegisError('invalid_params', `${excerpt(tool)} names no command`, {
      path: 'tool',
      advice: 'Use `shell.<command>` with the arguments as target, or `shell` with `parameters.command`.',
    })
  }
  const fromTarget =
    target === '' ? name : name === '' || startsWithCommand(target, name) ? target : `${name} ${target}`
  if (command === null) {
    if (fromTarget === '') throw noLine()
    return fromTarget
  }
  if (name !== '' && !startsWithCommand(command, name)) throw disagree(`the tool is ${excerpt(tool)}`)
  if (target !== '' && fromTarget !== command) throw disagree(`the target is ${excerpt(target)}`)
  return command
}

function startsWithCommand(line: string, name: string): boolean {
  return line === name || line.startsWith(`${name} `)
}

function disagree(claim: string): AegisError {
  return new AegisError('invalid_params', `${claim}, but \`parameters.command\` says otherwise`, {
    path: 'parameters.command',
    advice: 'Send the command line once: as the target, or as `parameters.command`.',
  })
}

function noLine(): AegisError {
  return new AegisError('invalid_params', 'there is no command line', {
    path: 'target',
    advice: 'Send the command line as the target or as `parameters.command`.',
  })
}

import { AegisError } from '../../core/errors.ts'
import { isObject, type Json, type JsonObject, textMember } from '../../core/json.ts'
import { globFolder, searchedPaths } from './search-places.ts'

/**
 * Claude Code's PreToolUse hook (code.claude.com/docs, "Hooks reference"): one JSON object on stdin; exit 0 with
 * nothing on stdout leaves the call to the user's own settings; exit 2 blocks, whatever stdout says.
 */
export interface ToolUse {
  readonly tool: string
  readonly input: JsonObject
  readonly session: string | null
  readonly cwd: string
}

/** @throws AegisError `invalid_request` where this is no PreToolUse event. */
export function readToolUse(event: Json): ToolUse {
  if (!isObject(event)) throw new AegisError('invalid_request', 'the hook input is not a JSON object')
  const name = textMember(event, 'hook_event_name')
  if (name !== 'PreToolUse') {
    throw new AegisError(
      'invalid_request',
      `the hook input is not a PreToolUse event but ${JSON.stringify(name ?? null)}`,
      {
        advice: 'Register `aegis hook claude-code` under hooks.PreToolUse only.',
      },
    )
  }
  const tool = textMember(event, 'tool_name')
  const input = event['tool_input']
  if (!tool || !isObject(input))
    throw new AegisError('invalid_request', 'the hook input has no tool_name or tool_input')
  return { tool, input, session: textMember(event, 'session_id') ?? null, cwd: textMember(event, 'cwd') ?? '/' }
}

interface Claim {
  readonly protocol: string
  readonly tool: string
  readonly target: string
  readonly parameters: JsonObject
}

/** How each built-in tool reads as an action. A tool that is missing here is judged under its own name. */
const TOOLS: Readonly<Record<string, (use: ToolUse) => Claim>> = {
  Bash: (use) => shell('shell', use),
  PowerShell: (use) => shell('shell.powershell', use),
  Read: (use) => file('file.read', use, 'file_path'),
  NotebookRead: (use) => file('file.read', use, 'notebook_path'),
  Glob: names,
  Grep: search,
  LS: (use) => file('file.read', use, 'path'),
  Write: (use) => file('file.write', use, 'file_path'),
  Edit: (use) => file('file.write', use, 'file_path'),
  MultiEdit: (use) => file('file.write', use, 'file_path'),
  NotebookEdit: (use) => file('file.write', use, 'notebook_path'),
  WebFetch: (use) => {
    const url = required(use, 'url')
    return { protocol: 'http', tool: 'http.get', target: url, parameters: { url } }
  },
}

/** The body of `POST /admin/v1/actions` for this tool use. */
export function toAction(use: ToolUse): JsonObject {
  const claim = (TOOLS[use.tool] ?? other)(use)
  return {
    ...claim,
    surface: 'hook',
    agent: 'claude-code',
    execute: false,
    ...(use.session === null ? {} : { session: use.session }),
  }
}

function shell(tool: string, use: ToolUse): Claim {
  const command = required(use, 'command')
  return { protocol: 'shell', tool, target: command, parameters: { command } }
}

/** A listing takes its folder from `path`, else the working directory. */
function file(tool: string, use: ToolUse, member: string): Claim {
  const path = member === 'path' ? (textMember(use.input, 'path') ?? use.cwd) : required(use, member)
  return { protocol: 'file', tool, target: path, parameters: { ...use.input, path } }
}

function names(use: ToolUse): Claim {
  const path = globFolder(textMember(use.input, 'path') ?? use.cwd, textMember(use.input, 'pattern') ?? '')
  return { protocol: 'file', tool: 'file.read', target: path, parameters: { ...use.input, path } }
}

function search(use: ToolUse): Claim {
  const { glob } = use.input
  if (glob === undefined || glob === '') return file('file.read', use, 'path')
  if (typeof glob !== 'string')
    throw new AegisError('invalid_request', '`glob` must be text', { path: 'tool_input.glob' })
  const { path: _, ...input } = use.input
  const folder = textMember(use.input, 'path') ?? use.cwd
  const paths = searchedPaths(folder, glob)
  return { protocol: 'file', tool: 'file.search', target: folder, parameters: { ...input, paths } }
}

function other(use: ToolUse): Claim {
  // `mcp__<server>__<tool>`; the server's name is the agent's own configuration and never earns trust.
  const match = /^mcp__(.+?)__(.+)$/.exec(use.tool)
  const tool = match ? `${match[1]}.${match[2]}` : `claude-code.${use.tool}`
  return { protocol: 'mcp', tool, target: match?.[1] ?? use.cwd, parameters: use.input }
}

function required(use: ToolUse, member: string): string {
  const value = textMember(use.input, member)
  if (value) return value
  throw new AegisError('invalid_request', `${use.tool} came without \`${member}\``, { path: `tool_input.${member}` })
}

export interface HookAnswer {
  readonly exit: 0 | 2
  readonly stdout: string
  readonly stderr: string
}

/** What Claude Code must see for the server's answer. Anything that is not a clear allow blocks. */
export function answerFor(reply: Json): HookAnswer {
  const decision = isObject(reply) ? textMember(reply, 'decision') : undefined
  // Empty stdout: an explicit "allow" would skip the questions the user set up.
  if (decision === 'allow') return { exit: 0, stdout: '', stderr: '' }
  return deny(reasonOf(reply))
}

/** Exit 2 and the JSON say the same thing twice: either alone has been lost by some version. */
export function deny(reason: string): HookAnswer {
  const text = reason.length > REASON_MAX ? `${reason.slice(0, REASON_MAX)}…` : reason
  const output = {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: text,
    },
  }
  return { exit: 2, stdout: JSON.stringify(output), stderr: `${text}\n` }
}

/** Claude Code cuts strings at 10,000 characters. */
const REASON_MAX = 8_000

function reasonOf(reply: Json): string {
  if (!isObject(reply)) return 'Aegis: the server gave no decision'
  const error = isObject(reply['error']) ? reply['error'] : {}
  const data = isObject(error['data']) ? error['data'] : {}
  const message = textMember(error, 'message') ?? 'the server gave no decision'
  const id = textMember(reply, 'envelope_id')
  if (reply['decision'] === 'review') {
    return `Aegis: ${message} as ${id ?? 'unknown'}. Ask a reviewer to run: aegisctl approve ${id ?? 'ID'} --comment "..."; then try the same call again unchanged.`
  }
  const reason = textMember(data, 'reason')
  const instead = textMember(data, 'suggested_alternative')
  return `Aegis: ${message}${reason ? `: ${reason}` : ''}.${instead ? ` Try: ${instead}.` : ''}`
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ActionClaim } from '../../../src/core/catalog/index.ts'
import { AegisError } from '../../../src/core/errors.ts'
import type { Json, JsonObject } from '../../../src/core/json.ts'
import { answerFor, deny, readToolUse, toAction } from '../../../src/entrances/hook/claude-code.ts'
import { loadPolicies, runCase } from '../../../src/policy-set/index.ts'

function event(tool: string, input: JsonObject): JsonObject {
  return { hook_event_name: 'PreToolUse', session_id: 's-1', cwd: '/workspace', tool_name: tool, tool_input: input }
}

describe("Claude Code's tools as actions", () => {
  it.each<[string, JsonObject, string, string, string]>([
    ['Bash', { command: 'rm -rf /' }, 'shell', 'shell', 'rm -rf /'],
    ['PowerShell', { command: 'Get-Item x' }, 'shell', 'shell.powershell', 'Get-Item x'],
    ['Read', { file_path: '/workspace/.env' }, 'file', 'file.read', '/workspace/.env'],
    ['Grep', { pattern: 'x' }, 'file', 'file.read', '/workspace'],
    ['Glob', { pattern: '*', path: '/etc' }, 'file', 'file.read', '/etc'],
    ['Write', { file_path: 'a.ts', content: 'x' }, 'file', 'file.write', 'a.ts'],
    ['Edit', { file_path: 'a.ts', old_string: 'a', new_string: 'b' }, 'file', 'file.write', 'a.ts'],
    ['MultiEdit', { file_path: 'a.ts', edits: [] }, 'file', 'file.write', 'a.ts'],
    ['NotebookEdit', { notebook_path: 'a.ipynb' }, 'file', 'file.write', 'a.ipynb'],
    ['WebFetch', { url: 'https://example.com', prompt: 'p' }, 'http', 'http.get', 'https://example.com'],
    ['mcp__linear__create_issue', { title: 't' }, 'mcp', 'linear.create_issue', 'linear'],
    ['SomethingNew', {}, 'mcp', 'claude-code.SomethingNew', '/workspace'],
  ])('%s %j is %s %s on %s', (tool, input, protocol, named, target) => {
    const action = toAction(readToolUse(event(tool, input)))
    expect(action).toMatchObject({ protocol, tool: named, target, surface: 'hook', execute: false, session: 's-1' })
  })

  it.each<[JsonObject, readonly string[]]>([
    [{ glob: '*.ts' }, ['/workspace/**/*.ts']],
    [{ glob: '*.{ts,pem}', path: '/w' }, ['/w/**/*.ts', '/w/**/*.pem']],
    [{ glob: '.env' }, ['/workspace/**/.env']],
    [{ glob: 'src/**/test_*.py !*.md' }, ['/workspace/**/src/**/test_*.py']],
    [{ glob: '/.{env,netrc}' }, ['/workspace/.env', '/workspace/.netrc']],
    [{ glob: '!*.ts' }, ['/workspace']],
  ])('a search with %j is of every path its pattern names', (input, paths) => {
    const action = toAction(readToolUse(event('Grep', { pattern: 'x', ...input })))
    expect(action).toMatchObject({ tool: 'file.search', parameters: { paths } })
  })

  it.each([
    '*',
    '**',
    '**/*',
    '.e*',
    '.en?',
    '.[e]nv',
    '.{e*,x}',
    '*v',
    'id_*',
    '.a*/config',
    '../*.ts',
    '{a,{b,c}}*',
    7,
  ])('a search with the pattern %j is refused: no rule would know what it stands for', (glob) => {
    expect(() => toAction(readToolUse(event('Grep', { pattern: 'x', glob })))).toThrow(AegisError)
  })

  it.each([
    ['/home/u/.ssh/*', '/home/u/.ssh'],
    ['/*', '/'],
    ['../other/**/*.ts', '/other'],
    ['src/**/*.{ts,tsx}', '/workspace/src'],
    ['**/*', '/workspace'],
  ])('a listing of %s begins in %s', (pattern, target) => {
    expect(toAction(readToolUse(event('Glob', { pattern })))).toMatchObject({ tool: 'file.read', target })
  })

  it('a listing that climbs behind a wildcard is refused', () => {
    expect(() => toAction(readToolUse(event('Glob', { pattern: '*/../../x' })))).toThrow(AegisError)
  })

  it.each([
    ['*.ts', 'allow'],
    ['*.{ts,pem}', 'block'],
    ['.env', 'block'],
    ['**/.ssh/config', 'block'],
  ])('a search with the pattern %s is decided by the pack: %s', async (glob, verdict) => {
    const { protocol, tool, target, parameters } = toAction(readToolUse(event('Grep', { pattern: 'x', glob })))
    const claim = { protocol, tool, target, parameters, capability: null } as ActionClaim
    const { policy } = await loadPolicies({ sources: ['pr-writer'], upstreams: [] })
    const at = { line: 1, column: 1 }
    const { decision } = runCase(policy, {
      name: glob,
      at,
      input: { kind: 'action', claim },
      facts: {},
      receivedAt: 0,
      expect: 'allow',
      rule: null,
    })
    expect(decision?.verdict).toBe(verdict)
  })

  it.each(['Bash', 'Read', 'Write', 'WebFetch'])('a %s without its operand is refused, never guessed', (tool) => {
    expect(() => toAction(readToolUse(event(tool, {})))).toThrow(AegisError)
    expect(() => toAction(readToolUse(event(tool, { command: 7, file_path: [], url: {} })))).toThrow(AegisError)
  })

  it('refuses what is no PreToolUse event', () => {
    expect(() => readToolUse({ ...event('Bash', {}), hook_event_name: 'PostToolUse' })).toThrow(/PreToolUse/)
    expect(() => readToolUse([])).toThrow(AegisError)
    expect(() => readToolUse({ hook_event_name: 'PreToolUse', tool_name: 'Bash' })).toThrow(AegisError)
  })
})

describe('the answer', () => {
  it('to an allow is silence: an explicit allow would skip what the user set up', () => {
    expect(answerFor({ decision: 'allow' })).toEqual({ exit: 0, stdout: '', stderr: '' })
  })

  it('to a block says why and what to do instead, twice', () => {
    const data = { reason: 'destructive shell command', suggested_alternative: 'use git clean -fdx' }
    const error = { code: -32001, message: 'policy: shell.rm is blocked by pr-writer policy', data }
    const { exit, stdout, stderr } = answerFor({ decision: 'block', error })
    expect(exit).toBe(2)
    expect(stderr).toBe(
      'Aegis: policy: shell.rm is blocked by pr-writer policy: destructive shell command. Try: use git clean -fdx.\n',
    )
    expect(JSON.parse(stdout)).toEqual({
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'deny',
        permissionDecisionReason: stderr.trimEnd(),
      },
    })
  })

  it('to a review blocks and names the approval', () => {
    const answer = answerFor({ decision: 'review', envelope_id: 'id-7', error: { message: 'approval required' } })
    expect(answer.exit).toBe(2)
    expect(answer.stderr).toContain('aegisctl approve id-7')
  })

  it('is exit 2 with valid JSON for anything that is not a clear allow', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const answer = answerFor(value as Json)
        expect(answer.exit).toBe(2)
        expect(JSON.parse(answer.stdout)).toHaveProperty('hookSpecificOutput.permissionDecision', 'deny')
        expect(answer.stderr).not.toBe('')
      }),
    )
  })

  it('keeps below the length that Claude Code cuts at', () => {
    expect(deny('x'.repeat(50_000)).stderr.length).toBeLessThan(10_000)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GITHUB_METHODS } from '../../src/core/catalog/github-methods.ts'
import { GITHUB_TOOLS } from '../../src/core/catalog/github-tools.ts'
import { toolKey } from '../../src/rooms/tool-keys.ts'

describe('a tool in the map of a role', () => {
  it.each([
    ['push_files', 'github.push_files'],
    ['github.push_files', 'github.push_files'],
    ['issue_read:get_comments', 'github.issue_read:get_comments'],
    ['github.issue_write:update', 'github.issue_write:update'],
    ['run_workflow', 'github.actions_run_trigger:run_workflow'],
    ['github.list_workflows', 'github.actions_list:list_workflows'],
    ['resources.read', 'github.resources.read'],
  ])('is kept by its present name: %s is %s', (text, key) => {
    expect(toolKey(text)).toBe(key)
  })

  it.each([
    ['push_file', 'did you mean `push_files`?'],
    ['issue_read:get_comment', 'did you mean `issue_read:get_comments`?'],
    ['push_files:all', 'push_files has no methods: leave out `:all`'],
    ['search_code', 'write a rule for it in the policy file; keys of a room cannot use it at all'],
    ['create_repository', 'write a rule for it in the policy file; keys of a room cannot use it at all'],
    ['shell.rm', 'name it as the server does: push_files, issue_read:get_comments'],
    ['__proto__', 'name it as the server does: push_files, issue_read:get_comments'],
    ['issue_read:__proto__', /^known are: get, /],
    ['issue_read:get:get', 'name it as the server does: push_files, issue_read:get_comments'],
    ['github.*', 'name it as the server does: push_files, issue_read:get_comments'],
    ['', 'name it as the server does: push_files, issue_read:get_comments'],
  ])('is refused where it would never match: %j', (text, advice) => {
    expect(() => toolKey(text)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        path: 'tool',
        advice: typeof advice === 'string' ? advice : expect.stringMatching(advice),
      }),
    )
  })

  it('may be any tool of the catalog that names its repository, and any of its methods', () => {
    for (const [tool, { scope }] of GITHUB_TOOLS) {
      if (scope === 'none') expect(() => toolKey(tool)).toThrow()
      else expect(toolKey(tool)).toBe(`github.${tool}`)
      for (const method of Object.keys(GITHUB_METHODS.get(tool) ?? {})) {
        if (scope !== 'none') expect(toolKey(`${tool}:${method}`)).toBe(`github.${tool}:${method}`)
      }
    }
  })

  it('is the same when said twice, or is refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(...GITHUB_TOOLS.keys())), (text) => {
        const once = attempt(text)
        if (once !== null) expect(attempt(once)).toBe(once)
      }),
    )
  })
})

function attempt(text: string): string | null {
  try {
    return toolKey(text)
  } catch {
    return null
  }
}

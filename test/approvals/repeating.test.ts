import { describe, expect, it } from 'vitest'
import { demandRepeatable } from '../../src/approvals/repeating.ts'
import type { Approval } from '../../src/core/approval.ts'
import { pendingApproval } from '../support/drafts.ts'

const asked = (changes: Partial<Approval>): Approval => {
  const approval = pendingApproval()
  return { ...approval, blast: 'low', capability: 'write', terms: { ...approval.terms, repeat: 600 }, ...changes }
}
const file = (path: string): Partial<Approval> => ({ parameters: { files: [{ path, content: 'x' }] } })

describe('an approval for repeated use', () => {
  it.each([
    ['a write', {}],
    ['a merge of a known commit', { capability: 'merge', head: 'a'.repeat(40) }],
    ['a file that only sounds like a workflow', file('docs/.github-workflows.md')],
  ])('is given for %s', (_, changes) => {
    expect(() => demandRepeatable(asked(changes))).not.toThrow()
  })

  it.each<[string, Partial<Approval>, string]>([
    ['where the rule does not say so', { terms: { ...asked({}).terms, repeat: undefined } as never }, 'does not say'],
    ['for what is critical', { blast: 'critical' }, 'critical'],
    ['for a deployment', { capability: 'deploy' }, 'deploy'],
    ['for the approval of a pull request', { capability: 'approve' }, 'approve'],
    ['for a merge of a commit that is not known', { capability: 'merge' }, 'not known'],
    ['for a workflow', file('.github/workflows/ci.yml'), 'workflows'],
    ['for a workflow in other letters', file('.GitHub/Workflows/CI.yml'), 'workflows'],
    ['for a workflow with slashes to spare', file('a/../.github//workflows/ci.yml'), 'workflows'],
    ['for a workflow with backslashes', file('.github\\workflows\\ci.yml'), 'workflows'],
    ['for an action of the repository', file('.github/actions/x/action.yml'), 'workflows'],
    ['for a target that is a workflow', { target: '/srv/app/.github/workflows/ci.yml' }, 'workflows'],
  ])('is not given %s', (_, changes, why) => {
    expect(() => demandRepeatable(asked(changes))).toThrow(why)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../../src/core/decision.ts'
import type { Act, ActionEnvelope } from '../../../src/core/envelope.ts'
import type { Facts, RoomFact } from '../../../src/core/facts.ts'
import type { JsonObject } from '../../../src/core/json.ts'
import type { Guard, GuardFinding } from '../../../src/core/policy/guards/guard.ts'
import { compilePolicy } from '../../../src/core/policy/index.ts'
import { benchOf, searchRules } from '../../../src/core/policy/judge.ts'
import { act, document, envelope, policyText } from './acts.ts'

const NONE: Facts = { approval: { known: true, value: { status: 'none' } } }
const PUSH: JsonObject = { files: [{ path: 'a.txt', content: 'a\n' }], message: 'change a', branch: 'main' }
const RANK = { allow: 0, rewrite: 0, review: 1, block: 2 } as const satisfies Record<Verdict, number>

function push(branch = 'main', parameters: JsonObject = PUSH): ActionEnvelope {
  const asked = act({
    tool: 'github.push_files',
    capability: 'write',
    resource: { branch: { kind: 'named', name: branch }, paths: ['a.txt'], operands: ['a.txt'] },
  })
  const plain = envelope(asked)
  return { ...plain, action: { ...plain.action, parameters } }
}

/** A guard that finds one thing where an act is of one of these tools and branches. */
function guard(
  verdict: GuardFinding['verdict'],
  part: Partial<Pick<Guard, 'name' | 'destination'>> & { tools?: readonly string[]; branches?: readonly string[] } = {},
): Guard {
  const { name = 'secrets', destination = false, tools = null, branches = null } = part
  return {
    name,
    destination,
    needs: () => [],
    judge({ act: { tool, resource } }) {
      const branch = resource.branch.kind === 'named' ? resource.branch.name.replace(/^aegis\/.*/, 'aegis') : 'none'
      const fits = (tools?.includes(tool) ?? true) && (branches?.includes(branch) ?? true)
      return fits ? [{ verdict, reason: `${name} found it` }] : []
    },
  }
}

const REWRITES = guard('rewrite', {
  name: 'protected_branches',
  destination: true,
  tools: ['github.push_files'],
  branches: ['main'],
})

function policyOf(rules: readonly string[], guards: readonly Guard[], byDefault = 'block') {
  const plain = document(policyText(rules, byDefault))
  return compilePolicy([{ ...plain, guards: guards.map((one) => ({ guard: one, settings: null })) }])
}

function decide(rules: readonly string[], guards: readonly Guard[], asked: ActionEnvelope, facts = NONE) {
  const policy = policyOf(rules, guards)
  return policy.decide(policy.bind(asked, facts), facts)
}

const ALLOW_ALL = ['{ decision: allow }']
const ON_OWN_BRANCHES = ['{ tool: "github.*", branch: "aegis/**", decision: allow }']

describe('a guard', () => {
  it.each([
    ['block', 'block'],
    ['review', 'review'],
  ] as const)('that finds %s makes an allowed act %s', (verdict, expected) => {
    const decision = decide(ALLOW_ALL, [guard(verdict)], push())
    expect(decision).toMatchObject({ verdict: expected, rule: { label: 'guard:secrets' }, reason: 'secrets found it' })
    expect(decision.findings.map(({ name }) => name)).toEqual(['guard:secrets', '*:*'])
  })

  it('never undoes what a rule blocks', () => {
    expect(decide(['{ decision: block }'], [guard('review')], push())).toMatchObject({
      verdict: 'block',
      rule: { label: '*:*' },
    })
  })
})

describe('what guards want to know', () => {
  const WANTS: Guard = { ...guard('block', { name: 'ci_required' }), needs: () => ['checks'] }
  const merge = envelope(
    act({ tool: 'github.merge_pull_request', capability: 'merge', resource: { pull: 7, branch: { kind: 'default' } } }),
  )
  const wanted = (rules: readonly string[], guards: readonly Guard[], facts: Facts = {}, byDefault = 'block') =>
    policyOf(rules, guards, byDefault).factsNeeded(merge, facts)
  const MERGES = ['{ capability: merge, decision: allow }']

  it('is looked up where it may decide', () => {
    expect(wanted(MERGES, [WANTS])).toContain('checks')
    expect(wanted(['{ capability: read, decision: allow }'], [WANTS], {}, 'review')).toContain('checks')
  })

  it('is not, where a rule, a default, a guard or the room blocks anyway: what is found is told to who asked', () => {
    expect(wanted(['{ capability: merge, decision: block }'], [WANTS])).toEqual([])
    expect(wanted(['{ capability: read, decision: allow }'], [WANTS])).toEqual([])
    expect(wanted(MERGES, [WANTS, guard('block', { name: 'repo_allowlist' })])).toEqual([])
    const repository = { owner: 'acme', name: 'site' }
    const other = { id: 'r', repository, role: 'DEVELOPER', confined: true, tools: {}, permission: null } as const
    expect(wanted(MERGES, [WANTS], { room: { known: true, value: { ...other, mode: 'enforce' } } })).toEqual([])
    expect(wanted(MERGES, [WANTS], { room: { known: true, value: { ...other, mode: 'observe' } } })).toEqual([])
  })

  it('is, of a push that a default blocks as it was asked: it may become a pull request', () => {
    expect(policyOf(ON_OWN_BRANCHES, [{ ...REWRITES, needs: () => ['rewriting'] }]).factsNeeded(push())).toContain(
      'rewriting',
    )
  })
})

describe('a rewrite', () => {
  it('runs as the plan where every step of it is allowed', () => {
    const decision = decide(ON_OWN_BRANCHES, [REWRITES], push())
    expect(decision).toMatchObject({ verdict: 'rewrite', rule: { label: 'guard:protected_branches' } })
    expect(decision.findings).toContainEqual(
      expect.objectContaining({ name: 'guard:protected_branches', verdict: 'rewrite' }),
    )
  })

  it('is reviewed where a step of it is', () => {
    const rules = ['{ tool: github.create_pull_request, decision: review }', ...ON_OWN_BRANCHES]
    expect(decide(rules, [REWRITES], push())).toMatchObject({
      verdict: 'review',
      rule: { label: '*:github.create_pull_request' },
    })
  })

  it('is not for calls that a rule blocks as they were asked', () => {
    const rules = ['{ branch: main, decision: block, reason: hands off }', ...ON_OWN_BRANCHES]
    expect(decide(rules, [REWRITES], push())).toMatchObject({ verdict: 'block', reason: 'hands off' })
  })

  it('does not save a call from what another guard finds in its content', () => {
    expect(decide(ON_OWN_BRANCHES, [REWRITES, guard('block')], push())).toMatchObject({
      verdict: 'block',
      rule: { label: 'guard:secrets' },
    })
  })

  it('answers guards about where the change ends up by the branch of the plan', () => {
    const naming = guard('block', { name: 'branch_naming', destination: true, branches: ['main'] })
    expect(decide(ON_OWN_BRANCHES, [REWRITES, naming], push()).verdict).toBe('rewrite')
    const other = guard('block', { name: 'branch_naming', destination: true, branches: ['aegis'] })
    expect(decide(ON_OWN_BRANCHES, [REWRITES, other], push()).verdict).toBe('block')
  })

  it('that another document blocks or reviews is what that document says', () => {
    for (const verdict of ['block', 'review'] as const) {
      const other = guard(verdict, { name: 'protected_branches', destination: true, branches: ['main'] })
      expect(decide(ON_OWN_BRANCHES, [REWRITES, other], push())).toMatchObject({
        verdict,
        rule: { label: 'guard:protected_branches' },
      })
    }
  })

  it('that an approval covers stays one: nothing releases the direct push', () => {
    const rules = ['{ tool: github.create_pull_request, decision: review }', ...ON_OWN_BRANCHES]
    const id = '00000000-0000-7000-8000-00000000000a' as ActionEnvelope['id']
    const terms = { ttl: 60, reviewers: 1, independent: false, sameSession: false }
    const approved: Facts = { approval: { known: true, value: { status: 'approved', id, terms } } }
    expect(decide(rules, [REWRITES], push(), approved)).toMatchObject({
      verdict: 'rewrite',
      obligations: [{ kind: 'redeem', approval: id }],
    })
  })

  it('without a plan blocks: a call that was not bound, or whose arguments hold no files', () => {
    const policy = policyOf(ALLOW_ALL, [REWRITES])
    expect(policy.decide(push(), NONE)).toMatchObject({
      verdict: 'block',
      reason: expect.stringContaining('was not planned'),
    })
    expect(decide(ALLOW_ALL, [REWRITES], push('main', {}))).toMatchObject({
      verdict: 'block',
      reason: expect.stringContaining('name no files'),
    })
  })

  it('gives equal changes of a session equal branches, and others other ones', () => {
    const policy = policyOf(ON_OWN_BRANCHES, [REWRITES])
    const branch = (parameters: JsonObject) => policy.bind(push('main', parameters), NONE).plan?.branch
    expect(branch(PUSH)).toBe(branch({ ...PUSH }))
    expect(branch(PUSH)).toMatch(/^aegis\/test\/change-a-[0-9a-f]{10}$/)
    expect(branch({ ...PUSH, message: 'change b' })).not.toBe(branch(PUSH))
    expect(branch({ ...PUSH, files: [{ path: 'a.txt', content: 'b\n' }] })).not.toBe(branch(PUSH))
  })
})

describe('a room that only watches', () => {
  const room: RoomFact = {
    id: 'room_1',
    repository: { owner: 'aegisflow', name: 'aegisflow' },
    role: 'DEVELOPER',
    confined: false,
    tools: {},
    permission: null,
    mode: 'observe',
  }
  const watched = (more: Partial<RoomFact> = {}): Facts => ({
    ...NONE,
    room: { known: true, value: { ...room, ...more } },
  })

  it.each([
    ['block', ['{ decision: block }'], []],
    ['review', ['{ decision: review }'], []],
    ['rewrite', ON_OWN_BRANCHES, [REWRITES]],
  ] as const)('lets it run as it was asked, and records that it would be %s', (would, rules, guards) => {
    const policy = policyOf(rules, guards)
    const bound = policy.bind(push(), watched())
    expect(bound.plan).toBeUndefined()
    const decision = policy.decide(bound, watched())
    expect(decision).toMatchObject({ verdict: 'allow', rule: { label: 'shadow:room_1' } })
    expect(decision.findings.at(-1)).toMatchObject({ name: `shadow:${would}`, verdict: 'allow' })
  })

  it('still keeps tools from roles they are not for, and a key of its own from other repositories', () => {
    const barred = watched({ tools: { 'github.push_files': false } })
    expect(decide(ALLOW_ALL, [], push(), barred)).toMatchObject({ verdict: 'block', rule: { label: 'room:room_1' } })
    const elsewhere = watched({ confined: true, repository: { owner: 'acme', name: 'site' } })
    expect(decide(ALLOW_ALL, [], push(), elsewhere)).toMatchObject({ verdict: 'block', rule: { label: 'room:room_1' } })
  })

  it('lets through what only its own permission would stop: that is no matter of who may', () => {
    const facts = watched({ permission: { read: 'deny', write: 'deny' } })
    const decision = decide(['{ tool: github.get_me, decision: allow }'], [], push(), facts)
    expect(decision).toMatchObject({ verdict: 'allow', rule: { label: 'shadow:room_1' } })
    expect(decision.findings.at(-1)?.name).toBe('shadow:block')
  })

  it.each([
    'observe',
    'warn',
    'enforce',
  ] as const)('or enforces (%s) is named by every decision on its acts, and by no other', (mode) => {
    const allowed = decide(ALLOW_ALL, [], push(), watched({ mode }))
    const named = { source: 'room', name: 'room:room_1', verdict: 'allow' }
    expect(allowed.rule.label).not.toContain('room')
    expect(allowed.findings).toContainEqual(expect.objectContaining(named))
    expect(allowed.findings[0]?.source).toBe('rule')
    const elsewhere = watched({ mode, repository: { owner: 'acme', name: 'site' } })
    expect(decide(ALLOW_ALL, [], push(), elsewhere).findings).not.toContainEqual(expect.objectContaining(named))
  })

  it.each([
    ['a shell', [act({ protocol: 'shell', tool: 'shell.rm', capability: 'delete', resource: { repository: null } })]],
    ['a database', [act({ protocol: 'sql', tool: 'sql.drop_table', resource: { repository: null } })]],
    ['a server without a catalog', [act({ protocol: 'mcp', tool: 'x.y', resource: { repository: null } })]],
    ['both at once', [act(), act({ protocol: 'shell', tool: 'shell.rm', resource: { repository: null } })]],
    ['what may reach another repository', [act({ doubt: 'it climbs', strays: true })]],
  ] as const)('watches its repository alone: its key meets the policy with %s', (_what, [first, ...more]) => {
    const facts = watched({ confined: true })
    const policy = policyOf(['{ decision: block, reason: hands off }'], [])
    const asked = envelope(first, more)
    expect(policy.decide(policy.bind(asked, facts), facts)).toMatchObject({
      verdict: 'block',
      reason: expect.stringContaining('hands off'),
    })
  })

  it('which is unknown is no reason to let anything run', () => {
    const unknown: Facts = { ...NONE, room: { known: false, reason: 'the store is busy' } }
    expect(decide(ALLOW_ALL, [], push(), unknown).verdict).toBe('review')
  })
})

describe('the list of tools for a room’s key', () => {
  const own: RoomFact = {
    id: 'room_1',
    repository: { owner: 'aegisflow', name: 'aegisflow' },
    role: 'DEVELOPER',
    confined: true,
    tools: { 'github.push_files': false, 'github.issue_write': false, 'github.issue_write:create': true },
    permission: null,
    mode: 'enforce',
  }
  const tool = (name: string, capability: Act['capability'] = 'write') =>
    ({ surface: 'mcp', protocol: 'git', tool: name, capability, scoped: !name.includes('search') }) as const

  it.each([
    ['what its role may not use is left out', 'allow', own, 'github.push_files', false],
    ['a tool with one method for it is shown', 'allow', own, 'github.issue_write', true],
    ['what the policy blocks is left out', 'block', own, 'github.create_branch', false],
    [
      'unless the room allows what no rule names',
      'block',
      { ...own, permission: { read: 'allow', write: 'hold' } },
      'github.create_branch',
      true,
    ],
    ['or denies it', 'allow', { ...own, permission: { read: 'allow', write: 'deny' } }, 'github.create_branch', false],
    [
      'a room that watches shows what would be blocked',
      'block',
      { ...own, mode: 'observe' },
      'github.create_branch',
      true,
    ],
    ['a search, which names no repository, is for no key of one', 'allow', own, 'github.search_code', false],
    ['but nothing that is not for the role', 'allow', { ...own, mode: 'observe' }, 'github.push_files', false],
  ] as const)('%s', (_what, byDefault, room, name, shown) => {
    const policy = policyOf(['{ tool: github.nothing, decision: allow }'], [], byDefault)
    expect(policy.reachable(tool(name), room)).toBe(shown)
  })

  it('holds no tool that is not about repositories, whatever its mode', () => {
    const policy = policyOf(['{ tool: github.nothing, decision: allow }'], [])
    const drop = { surface: 'mcp', protocol: 'sql', tool: 'sql.drop_table', capability: 'delete' } as const
    expect(policy.reachable(drop, { ...own, mode: 'observe' })).toBe(false)
  })
})

const TOOLS = ['github.push_files', 'github.create_branch', 'github.create_pull_request']
const GUARDS = fc.array(
  fc
    .record({
      verdict: fc.constantFrom('block', 'review'),
      destination: fc.boolean(),
      tools: fc.subarray(TOOLS),
      branches: fc.subarray(['main', 'aegis', 'none']),
    })
    .map(({ verdict, ...part }) => guard(verdict, part)),
  { maxLength: 3 },
)
const RULES = fc.array(
  fc
    .tuple(
      fc.constantFrom(...TOOLS, '*'),
      fc.constantFrom('main', 'aegis/**', null),
      fc.constantFrom('allow', 'review', 'block'),
    )
    .map(([tool, branch, decision]) => {
      const where = branch === null ? '' : `, branch: ${branch}`
      return `{ tool: "${tool}"${where}, decision: ${decision} }`
    }),
  { minLength: 1, maxLength: 4 },
)

function rank(rules: readonly string[], guards: readonly Guard[], asked: ActionEnvelope): number {
  return RANK[decide(rules, guards, asked).verdict]
}

/** Rules made at random may shadow one another, which a file may not: those runs are skipped. */
function loads(rules: readonly string[]): boolean {
  try {
    policyOf(rules, [])
    return true
  } catch {
    return false
  }
}

describe('for any rules and any guards', () => {
  it('one guard more never loosens', () => {
    fc.assert(
      fc.property(RULES, GUARDS, GUARDS, fc.boolean(), (rules, guards, [more], rewriting) => {
        fc.pre(loads(rules) && more !== undefined)
        const before = rewriting ? [REWRITES, ...guards] : guards
        expect(rank(rules, [...before, more], push())).toBeGreaterThanOrEqual(rank(rules, before, push()))
      }),
    )
  })

  it('a rewrite lets nothing run that the agent could not do by itself, step by step', () => {
    fc.assert(
      fc.property(RULES, GUARDS, (rules, guards) => {
        fc.pre(loads(rules))
        const all = [...guards, REWRITES]
        const policy = policyOf(rules, all)
        const bound = policy.bind(push(), NONE)
        const got = RANK[policy.decide(bound, NONE).verdict]
        for (const one of bound.plan?.acts ?? [])
          expect(got).toBeGreaterThanOrEqual(rank(rules, all, alone(bound, one)))
        const bench = benchOf(document(policyText(rules, 'block')))
        for (const { verdict } of searchRules(bench, 'api', bound.action.acts[0], null).opinions)
          expect(got).toBeGreaterThanOrEqual(RANK[verdict])
      }),
    )
  })
})

function alone({ plan: _, ...asked }: ActionEnvelope, one: Act): ActionEnvelope {
  const { protocol, tool, capability, resource } = one
  return { ...asked, action: { ...asked.action, protocol, tool, capability, acts: [one] }, resource }
}

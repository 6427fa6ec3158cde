import type { Act, ActionEnvelope, Resource, Surface } from '../../../src/core/envelope.ts'
import type { EnvelopeId, Principal } from '../../../src/core/ids.ts'
import { sessionId } from '../../../src/core/ids.ts'
import type { Tree } from '../../../src/core/policy/index.ts'
import { compilePolicy, parsePolicy } from '../../../src/core/policy/index.ts'
import { readYaml } from '../../../src/policy-set/read-yaml.ts'

/** Hand-made acts: what the catalog would make of calls, so that these tests are about the policy alone. */
export function act(part: Partial<Omit<Act, 'resource'>> & { resource?: Partial<Resource> } = {}): Act {
  const { resource, ...rest } = part
  return {
    protocol: 'git',
    tool: 'github.get_file_contents',
    capability: 'read',
    doubt: null,
    ...rest,
    resource: {
      target: 'aegisflow/aegisflow',
      operands: [],
      repository: { owner: 'aegisflow', name: 'aegisflow' },
      branch: { kind: 'none' },
      base: null,
      paths: [],
      pull: null,
      ...resource,
    },
  }
}

/** A command as the shell catalog gives it: operands are the words without a dash. */
export function shell(line: string, part: Partial<Act> = {}): Act {
  const [command = '', ...words] = line.split(' ')
  const operands = words.filter((word) => !word.startsWith('-'))
  return act({
    protocol: 'shell',
    tool: `shell.${command}`,
    capability: 'execute',
    ...part,
    resource: { target: line, operands, repository: null },
  })
}

export function envelope(first: Act, more: readonly Act[] = [], surface: Surface = 'api'): ActionEnvelope {
  const principal = 'key_test' as Principal
  const { protocol, tool, capability, resource } = first
  return {
    id: '00000000-0000-7000-8000-000000000001' as EnvelopeId,
    receivedAt: 0,
    surface,
    subject: { principal, owner: '', role: 'agent', agent: 'test', session: sessionId(principal, 'test') },
    action: {
      protocol,
      tool: more.length === 0 ? tool : 'shell.line',
      capability,
      parameters: {},
      route: null,
      acts: [first, ...more],
    },
    resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

export function tree(text: string): Tree {
  const reading = readYaml(text)
  if (!reading.ok) throw new Error(reading.problems.map(({ message }) => message).join('\n'))
  return reading.tree
}

export function document(text: string) {
  const parsed = parsePolicy(tree(text), { source: 'test.yaml', toolPrefixes: null })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  return parsed.document
}

/** A native policy from its rules, as lines of YAML. */
export function policyText(rules: readonly string[], defaultDecision = 'block', name = 'test'): string {
  return [
    'version: 1',
    `name: ${name}`,
    `default_decision: ${defaultDecision}`,
    'rules:',
    ...rules.map((rule) => `  - ${rule}`),
  ].join('\n')
}

export function policy(rules: readonly string[], defaultDecision = 'block') {
  return compilePolicy([document(policyText(rules, defaultDecision))])
}

export function problemsOf(text: string, toolPrefixes: readonly string[] | null = null): readonly string[] {
  const reading = readYaml(text)
  const problems = reading.ok ? parsePolicy(reading.tree, { source: 'team.yaml', toolPrefixes }) : reading
  return problems.ok ? [] : problems.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

import { limitQuery, query, type RouteGroup } from './route.ts'
import { anything, byName, list, named, nullable, object, strict, text, uuid, whole } from './schema.ts'

const number = { type: 'integer', minimum: 1 } as const
const source = strict(
  { file: text('Its base name.', { pattern: '^[A-Za-z0-9_. -]{1,128}$' }), text: text() },
  {
    examples: [
      {
        file: 'strict.yaml',
        text: 'version: 1\nname: strict\ndefault_decision: block\nrules:\n  - { protocol: git, tool: "github.get_*", decision: allow }\n',
      },
    ],
  },
)
const policy = {
  oneOf: [strict({ version: number }), strict({ sources: list(source, { minItems: 1, maxItems: 100 }) })],
} as const

const diff = object({
  documents: list(
    object({
      name: text(),
      kind: text(),
      default_decision: nullable(object({}, { additionalProperties: true })),
      rules: list(object({}, { additionalProperties: true })),
      guards: object({}, { additionalProperties: true }),
    }),
  ),
  text: text('As a unified diff.'),
})

export const policyRoutes: RouteGroup = {
  tag: 'policies',
  description: 'The policy in force, and those that were.',
  routes: [
    {
      method: 'get',
      path: '/admin/v1/policies',
      id: 'listPolicies',
      summary: 'The policy in force.',
      role: 'agent',
      answers: { 200: object({ policies: list(object({ name: text(), sha256: text() })) }) },
    },
    {
      method: 'get',
      path: '/admin/v1/policies/versions',
      id: 'listPolicyVersions',
      summary: 'Newest first; `refused` says why the files on disk are not in force, where they are not.',
      role: 'viewer',
      parameters: [query('before', 'Versions with a smaller number.', number), limitQuery(50, 1000)],
      answers: {
        200: object({
          versions: list(named('PolicyVersion')),
          refused: nullable(object({ message: text(), advice: nullable(text()), problems: list(text()) })),
        }),
      },
      errors: [400],
    },
    {
      method: 'get',
      path: '/admin/v1/policies/versions/{version}',
      id: 'getPolicyVersion',
      summary: 'One version with its texts.',
      role: 'viewer',
      answers: {
        200: {
          allOf: [
            named('PolicyVersion'),
            object({ sources: list(object({ file: text(), text: text() })), findings: list(text()) }),
          ],
        },
      },
      errors: [400, 404],
    },
    {
      method: 'post',
      path: '/admin/v1/policies/versions/{version}/rollback',
      id: 'rollbackPolicy',
      summary: "Puts an earlier version's texts into force, as a new version.",
      role: 'admin',
      body: strict({ 'expected?': nullable({ ...number, description: 'The version believed to be in force.' }) }),
      answers: { 201: named('PolicyVersion') },
      errors: [404, 409, 503],
    },
    {
      method: 'get',
      path: '/admin/v1/policies/diff',
      id: 'diffPolicyVersions',
      summary: 'What differs between two versions.',
      role: 'viewer',
      parameters: [query('from', 'Needed.', number), query('to', 'Needed.', number)],
      answers: { 200: diff },
      errors: [400, 404, 409],
    },
    {
      method: 'post',
      path: '/admin/v1/policies/diff',
      id: 'diffPolicies',
      summary: 'What differs between two policies, versions or texts.',
      role: 'viewer',
      body: strict({ from: policy, to: policy }),
      answers: { 200: diff },
      errors: [400, 404, 409],
    },
    {
      method: 'post',
      path: '/admin/v1/policies/replay',
      id: 'replayPolicy',
      summary: 'Judges a stretch of the log again, from `from` to `next`. Records nothing.',
      role: 'viewer',
      body: strict({ policy, 'from?': nullable(whole) }),
      answers: {
        200: object({
          from: whole,
          next: nullable(whole),
          size: whole,
          decisions: whole,
          unchanged: whole,
          changed: whole,
          undecidable: whole,
          matrix: byName(anything),
          undecidable_because: byName(whole),
          facts_missing: byName(whole),
          tools: list(object({ tool: text(), decisions: whole, changed: whole, undecidable: whole })),
          examples: list(
            object({
              n: whole,
              envelope_id: nullable(uuid),
              session: nullable(text()),
              tool: text(),
              was: text(),
              would: text(),
              rule_then: anything,
              rule_now: anything,
              reason: anything,
            }),
          ),
        }),
      },
      errors: [400, 404, 409],
    },
  ],
}

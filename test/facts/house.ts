import { execFileSync } from 'node:child_process'
import { describeUpstreamCall } from '../../src/core/catalog/index.ts'
import { changeOf } from '../../src/core/changes.ts'
import type { ActionEnvelope } from '../../src/core/envelope.ts'
import type { ChangesFact, FactKey, Facts } from '../../src/core/facts.ts'
import { type EnvelopeId, type Principal, sessionId } from '../../src/core/ids.ts'
import type { JsonObject } from '../../src/core/json.ts'
import type { Clock } from '../../src/core/runtime.ts'
import { createFactCollector } from '../../src/facts/facts.ts'
import { createGithubFacts } from '../../src/facts/github/index.ts'
import { createGithubRest, createRestMemory, type RestMemory } from '../../src/github/index.ts'
import type { Permissions } from '../../starter-kit/forge/permissions.ts'
import { type Answer, ask, REPO, type TestForge, testForge } from '../forge/harness.ts'
import { type Spoiling, spoiling } from '../forge/spoiling.ts'

/** What a reader of facts is granted, and no more. */
const READS = { metadata: 'read', contents: 'read', pull_requests: 'read', checks: 'read', statuses: 'read' } as const

/** A forge and the collectors that look at it. */
export interface House {
  readonly forge: TestForge
  readonly stage: Spoiling
  /** Collects with nothing remembered, unless `memory` is given. */
  look(keys: readonly FactKey[], tool: string, parameters: JsonObject, memory?: RestMemory): Promise<Facts>
  /** As a gateway looks: by clocks that go on, for a call that comes in at this moment. */
  lookNow(keys: readonly FactKey[], tool: string, parameters: JsonObject): Promise<Facts>
  /** As `look`, for one fact. */
  one<K extends FactKey>(key: K, tool: string, parameters: JsonObject): Promise<NonNullable<Facts[K]>>
  /** Opens a pull request to `main` and gives its number. */
  openPull(head: string): Promise<number>
  /** The changes without the limit of time that a decision sets. */
  changes(tool: string, parameters: JsonObject): Promise<ChangesFact>
  /** A memory on the clock of this house. */
  memory(): RestMemory
  /** Moves the monotonic clock. */
  pass(milliseconds: number): void
  /** As an owner of the repository. */
  own(line: `${string} /${string}`, body?: JsonObject): Promise<Answer>
  /** As the App, with all that it is granted. */
  act(line: `${string} /${string}`, body?: JsonObject): Promise<Answer>
  git(...args: readonly string[]): string
  /** Commits to a branch of the bare repository by what `git fast-import` takes after `commit`. */
  commit(branch: string, changes: string): string
  stop(): Promise<void>
}

const GRANTS: Permissions = {
  ...{ administration: 'write', checks: 'write', contents: 'write', issues: 'write', metadata: 'read' },
  ...{ pull_requests: 'write', statuses: 'write', workflows: 'write' },
}

export async function factsHouse(): Promise<House> {
  const stage = spoiling()
  const forge = await testForge({ ...stage, grants: GRANTS })
  const [reader, app, owner] = [await forge.token(READS), await forge.token(), forge.person('olive', 'OWNER')]
  let elapsed = 0
  const clock = { now: () => Date.now(), elapsed: () => elapsed }
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['--git-dir', forge.gitDir, ...args], { encoding: 'utf8' }).trim()
  function collectors(memory: RestMemory, at: Clock = clock) {
    const token = async (): Promise<string> => reader
    const rest = createGithubRest({ apiUrl: forge.url, fetch, clock: at, token, memory, subject: 'facts' })
    return createGithubFacts({ clock: at, api: () => rest, rewriting: () => ({ possible: true }), changeOf })
  }
  return {
    forge,
    stage,
    memory: () => createRestMemory(clock),
    pass: (milliseconds) => {
      elapsed += milliseconds
    },
    async one(key, tool, parameters) {
      const collector = createFactCollector(collectors(createRestMemory(clock)))
      const facts = await collector.collect([key], envelopeOf(tool, parameters), new AbortController().signal)
      const fact = facts[key]
      if (fact === undefined) throw new Error(`${key} was not collected`)
      return fact
    },
    async openPull(head) {
      const { body } = await ask(forge, `POST ${REPO}/pulls`, app, { title: head, head, base: 'main' })
      return Number(body['number'])
    },
    look: (keys, tool, parameters, memory = createRestMemory(clock)) =>
      createFactCollector(collectors(memory)).collect(keys, envelopeOf(tool, parameters), new AbortController().signal),
    lookNow(keys, tool, parameters) {
      const at = { now: () => Date.now(), elapsed: () => performance.now() }
      const envelope = { ...envelopeOf(tool, parameters), receivedAt: at.now() }
      const collector = createFactCollector(collectors(createRestMemory(at), at))
      return collector.collect(keys, envelope, new AbortController().signal)
    },
    changes: (tool, parameters) =>
      collectors(createRestMemory(clock)).changes(envelopeOf(tool, parameters), new AbortController().signal),
    own: (line, body) => ask(forge, line, owner, body),
    act: (line, body) => ask(forge, line, app, body),
    git,
    commit(branch, changes) {
      const from = git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)
      const start = from === '' ? git('rev-parse', 'refs/heads/main') : from
      const head = `commit refs/heads/${branch}\ncommitter alice <alice@users.noreply.github.com> 1775466000 +0000\ndata 4\ntest\nfrom ${start}\n`
      execFileSync('git', ['--git-dir', forge.gitDir, 'fast-import', '--quiet'], { input: `${head}${changes}\n` })
      return git('rev-parse', `refs/heads/${branch}`)
    },
    stop: forge.stop,
  }
}

/** One file for `commit`. */
export function file(path: string, text: string, mode = '100644'): string {
  return `M ${mode} inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`
}

/** A push of one file to the default branch. */
export const PUSH = { branch: 'main', message: 'm', files: [{ path: 'README.md', content: '# new\n' }] }

const REPOSITORY = { owner: 'aegisflow', repo: 'aegisflow' } as const

export function envelopeOf(tool: string, parameters: JsonObject): ActionEnvelope {
  const described = describeUpstreamCall({
    upstream: 'github',
    catalog: 'github',
    tool,
    parameters: { ...REPOSITORY, ...parameters },
  })
  const principal = 'key:1' as Principal
  return {
    id: '01890000-0000-7000-8000-000000000001' as EnvelopeId,
    receivedAt: 0,
    surface: 'mcp',
    subject: { principal, owner: '', role: 'agent', agent: '', session: sessionId(principal, 's') },
    action: {
      protocol: described.protocol,
      tool: described.tool,
      capability: described.capability,
      parameters: described.parameters,
      route: { upstream: 'github', tool },
      acts: described.acts,
    },
    resource: described.resource,
    task: null,
    justification: null,
    approvalRef: null,
  }
}

export { REPO }

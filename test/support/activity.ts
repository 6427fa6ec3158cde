import type { Answer, Installation } from './installation.ts'

/** What an agent does in an hour of work: some of it allowed, some blocked, some waiting for a person. */
export async function workOfAnHour(aegis: Installation): Promise<Record<string, Answer>> {
  const call = (tool: string, session: string, more: object) =>
    aegis.post('/admin/v1/test-action', { protocol: protocolOf(tool), tool, session, ...more })
  const github = { target: 'aegisflow/aegisflow' }
  return {
    read: await call('github.get_file_contents', 'sess-2026-04-06-1422', {
      ...github,
      parameters: { path: 'README.md' },
    }),
    test: await call('shell.pytest', 'sess-2026-04-06-1422', { target: 'tests/test_chain.py' }),
    rm: await call('shell.rm', 'sess-2026-04-06-1422', { target: '-rf /workspace' }),
    pull: await call('github.create_pull_request', 'sess-2026-04-06-1422', { ...github, ...PULL }),
    push: await call('github.push_files', 'sess-2026-04-06-1422', { ...github, parameters: PUSH }),
    merge: await call('github.merge_pull_request', 'release-1.4', {
      ...{
        ...github,
        parameters: { pull_number: 1247, merge_method: 'squash' },
        justification: 'all checks are green',
      },
    }),
    edit: await call('file.edit', 'release-1.4', { target: 'config/limits.yaml', parameters: EDIT }),
    sql: await call('sql.query', 'release-1.4', { target: '', parameters: { sql: SQL } }),
    deploy: await call('deploy.production', 'release-1.4', {
      ...{ target: 'cluster-1', parameters: { image: 'app:1.4.0', replicas: 3, zones: ['a', 'b'] } },
    }),
  }
}

function protocolOf(tool: string): string {
  const [room = ''] = tool.split('.')
  if (room === 'github') return 'git'
  return ['shell', 'file', 'sql'].includes(room) ? room : 'mcp'
}

const PULL = {
  parameters: {
    title: 'fix: stabilize flaky TestEvidenceChain_Concurrent',
    head: 'claude/fix-flaky-evidence-test',
    base: 'main',
    body: 'The map was read without the lock.\n\n- takes the lock\n- a test that fails without it',
  },
  justification: 'fixes intermittent failure in TestEvidenceChain_Concurrent caused by unsynchronized map access',
}

const PUSH = {
  branch: 'main',
  message: 'ci: run the tests on every push',
  files: [
    {
      path: 'src/chain.ts',
      content:
        'export const LOCK = new Lock()\n\nexport function append(entry: Entry) {\n  return LOCK.run(() => write(entry))\n}\n',
    },
    {
      path: '.github/workflows/ci.yml',
      content: 'on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: npm test\n',
    },
  ],
}

const EDIT = {
  path: 'config/limits.yaml',
  old_string: 'limits:\n  rate: 100\n  burst: 200\n  queue: 50',
  new_string: 'limits:\n  rate: 1000\n  burst: 2000\n  queue: 50\n  shed: true',
}

const SQL = "DELETE FROM sessions WHERE last_seen < '2026-01-01'"

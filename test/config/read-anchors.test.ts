import { describe, expect, it } from 'vitest'
import { readAnchors } from '../../src/config/read-anchors.ts'
import { readYaml } from '../../src/config/yaml-reader.ts'
import { createCosigner, createSigner, privateKeyPem } from '../../src/ledger/notes/sign.ts'

const { vkey } = createCosigner('witness.example/w1', privateKeyPem(Buffer.alloc(32, 9)), () => 0)
const around = { env: {}, resolve: (path: string) => (path.startsWith('/') ? path : `/etc/aegis/${path}`) }

function read(yaml: string) {
  const { root, problems } = readYaml(yaml)
  const settings = readAnchors(root.members(['anchors']).get('anchors'), around)
  return { settings, problems: problems.map(({ line, message }) => `${line}: ${message}`) }
}

describe('the anchors in aegis.yaml', () => {
  it('reads each kind; a path starts from the folder of the file, a name is its kind, the interval 10 s', () => {
    const yaml = `anchors:
  - file: anchor.jsonl
  - file: /mnt/audit/anchor.jsonl
    name: second-disk
    every: 5m
  - git: { repository: anchor.git, ref: refs/heads/checkpoints, remote: "git@git.example:audit/anchor.git" }
  - webhook: { url: https://hooks.example/aegis, secret_file: hook.secret }
  - webhook: { url: "http://127.0.0.1:9000/", secret_env: HOOK_SECRET }
    name: local
  - witness: { url: https://witness.example, vkey: "${vkey}" }
`
    const every = 10_000
    expect(read(yaml)).toEqual({
      problems: [],
      settings: [
        { name: 'file', every, kind: 'file', path: '/etc/aegis/anchor.jsonl' },
        { name: 'second-disk', every: 300_000, kind: 'file', path: '/mnt/audit/anchor.jsonl' },
        {
          ...{ name: 'git', every, kind: 'git', repository: '/etc/aegis/anchor.git' },
          ...{ ref: 'refs/heads/checkpoints', remote: 'git@git.example:audit/anchor.git' },
        },
        {
          ...{ name: 'webhook', every, kind: 'webhook', url: 'https://hooks.example/aegis' },
          secret: { file: '/etc/aegis/hook.secret' },
        },
        { name: 'local', every, kind: 'webhook', url: 'http://127.0.0.1:9000/', secret: { env: 'HOOK_SECRET' } },
        { name: 'witness', every, kind: 'witness', url: 'https://witness.example', vkey },
      ],
    })
    expect(read('{}').settings).toEqual([])
  })

  it.each([
    ['anchors: { file: x }', '1: `anchors` must be a list'],
    ['anchors:\n  - fiel: x', '2: unknown key `anchors[0].fiel`'],
    ['anchors:\n  - name: x', '2: `anchors[0]` must have exactly one of file, git, webhook, witness'],
    ['anchors:\n  - file: x\n    git: { repository: a, ref: refs/a }', '2: `anchors[0]` must have exactly one of'],
    ['anchors:\n  - file: x\n  - file: y', '3: `anchors[1]`: another anchor is called `file`'],
    ['anchors:\n  - file: x\n    name: Über', '3: `anchors[0].name` must be lower-case letters'],
    ['anchors:\n  - file: x\n    every: often', '3: `anchors[0].every` must be a duration'],
    ['anchors:\n  - git: { ref: refs/heads/a }', '2: `anchors[0].git.repository` is missing'],
    ['anchors:\n  - git: { repository: a, ref: main }', '2: `anchors[0].git.ref` must be the full name of a ref'],
    [
      'anchors:\n  - git: { repository: a, ref: "refs/a..b" }',
      '2: `anchors[0].git.ref` must be the full name of a ref',
    ],
    [
      'anchors:\n  - git: { repository: a, ref: refs/a, remote: "ext::sh -c id" }',
      '`anchors[0].git.remote` must be the name',
    ],
    [
      'anchors:\n  - git: { repository: a, ref: refs/a, remote: "--upload-pack=id" }',
      '`anchors[0].git.remote` must be the',
    ],
    ['anchors:\n  - git: { repository: a, ref: refs/a, remote: "https://a:b@x/y" }', 'holds a user name or password'],
    ['anchors:\n  - webhook: { url: "http://hooks.example", secret_env: S }', 'must be an https address'],
    ['anchors:\n  - webhook: { url: "https://hooks.example" }', 'needs either `secret_file` or `secret_env`'],
    ['anchors:\n  - webhook: { url: "https://h.example", secret: abc }', 'unknown key `anchors[0].webhook.secret`'],
    ['anchors:\n  - witness: { url: "https://w.example", vkey: abc }', '`anchors[0].witness.vkey` is not the key of a'],
    ['anchors:\n  - witness: { url: "https://w.example" }', '`anchors[0].witness.vkey` is missing'],
  ])('names the mistake and its place in %j', (yaml, message) => {
    expect(read(yaml).problems.join('\n')).toContain(message)
  })

  it('refuses the key of a log as the key of a witness', () => {
    const log = createSigner('aegis.example/log/test', privateKeyPem(Buffer.alloc(32, 7)))
    const { problems } = read(`anchors:\n  - witness: { url: "https://w.example", vkey: "${log.vkey}" }`)
    expect(problems).toEqual([expect.stringContaining('is not the key of a witness')])
  })
})

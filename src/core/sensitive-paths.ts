/** Kinds of paths whose change reaches beyond the code. */
export const SENSITIVE_CLASSES = [
  'ci',
  'infra',
  'auth',
  'secrets',
  'supply_chain',
  'agent_config',
  'git_internals',
] as const
export type SensitiveClass = (typeof SENSITIVE_CLASSES)[number]

/** For a sentence: `touches CI configuration`. */
export const SENSITIVE_LABELS: Readonly<Record<SensitiveClass, string>> = {
  ci: 'CI configuration',
  infra: 'infrastructure',
  auth: 'access control',
  secrets: 'secrets',
  supply_chain: 'the supply chain',
  agent_config: 'agent configuration',
  git_internals: 'git internals',
}

/** Matched on the path as `folded` gives it. */
const PATTERNS: readonly (readonly [SensitiveClass, RegExp])[] = [
  [
    'ci',
    /(?:^|\/)(?:\.(?:github|circleci|buildkite)(?:\/|$)|\.gitlab-ci|jenkinsfile|\.travis\.yml$|bitbucket-pipelines|azure-pipelines|action\.ya?ml$)/,
  ],
  [
    'infra',
    /(?:^|\/)(?:dockerfile|containerfile|(?:docker-)?compose[^/]*\.ya?ml$|k8s\/|kubernetes\/|helm\/|ansible\/|terraform\/)|\.(?:tf|tfvars|dockerfile)$/,
  ],
  ['auth', /(?:^|\/)(?:auth|iam)\/|(?:^|\/)(?:codeowners|security[^/]*)$/],
  [
    'secrets',
    /(?:^|\/)(?:\.env(?!\.(?:example|sample|template)$)[^/]*|\.npmrc|\.netrc|\.pypirc|\.git-credentials|credentials[^/]*|id_(?:rsa|dsa|ecdsa|ed25519))$|(?:^|\/)\.(?:ssh|aws|gnupg|kube)(?:\/|$)|\.(?:pem|key|p12|pfx)$|^\/etc\/(?:shadow|gshadow|sudoers)/,
  ],
  [
    'supply_chain',
    /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|cargo\.lock|poetry\.lock|uv\.lock|pipfile\.lock|gemfile\.lock|composer\.lock|go\.sum|\.gitmodules|\.gitattributes|binding\.gyp|\.yarnrc(?:\.yml)?|\.pnpmfile\.[cm]?js)$|(?:^|\/)\.husky\//,
  ],
  [
    'agent_config',
    /(?:^|\/)(?:\.claude|\.cursor|\.windsurf|\.gemini|\.codex|\.vscode|\.devcontainer|\.aegis|\.agentpolicy)(?:\/|$)|(?:^|\/)(?:\.mcp\.json|\.cursorrules|\.windsurfrules|\.clinerules|agents\.md|claude(?:\.local)?\.md|gemini\.md)$/,
  ],
  // `GIT~1` is what NTFS may call `.git` (CVE-2019-1353).
  ['git_internals', /(?:^|\/)(?:\.git|git~\d)(?:\/|$)/],
]

/** Characters that HFS+ leaves out when it compares names (CVE-2014-9390): `.g<U+200C>it` is `.git` there. */
const IGNORED = /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g

/** All sensitive kinds a path belongs to. However it is spelt: case, compatibility forms, `\`, `./`, `//`, trailing dots and blanks are ignored. */
export function sensitiveClasses(path: string): readonly SensitiveClass[] {
  const text = folded(path)
  return PATTERNS.filter(([, pattern]) => pattern.test(text)).map(([kind]) => kind)
}

/** The label of the first sensitive kind a path belongs to, or null. */
export function sensitiveClass(path: string): string | null {
  const text = folded(path)
  const found = PATTERNS.find(([, pattern]) => pattern.test(text))
  return found === undefined ? null : SENSITIVE_LABELS[found[0]]
}

/** Spelt as it is folded: by far the most. */
const PLAIN = /^[a-z0-9_./-]+$/
const UNTIDY = /\.(?:\/|$)|\/\//

/** As the most forgiving file system would read it. */
function folded(path: string): string {
  if (PLAIN.test(path) && !UNTIDY.test(path)) return path
  return (
    path
      .normalize('NFKC')
      .toUpperCase()
      .toLowerCase()
      .replace(IGNORED, '')
      .replace(/\\/g, '/')
      // From the first of them only: a path of nothing but dots would be tried again from each.
      .replace(/(?<![. ])[. ]+(?=\/|$)/g, (dots, at: number, whole: string) => (isStep(dots, at, whole) ? dots : ''))
      .replace(/\/(?:\.?\/)+/g, '/')
      .replace(/^\.\//, '')
  )
}

/** `.` and `..` are steps, and no names that end in dots. */
function isStep(dots: string, at: number, whole: string): boolean {
  return /^\.{1,2}$/.test(dots) && (at === 0 || whole[at - 1] === '/')
}

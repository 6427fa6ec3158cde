/** Paths whose change reaches beyond the code, by class. Matched on the path in lower case, for some file systems fold it. */
const CLASSES: readonly (readonly [string, RegExp])[] = [
  ['CI configuration', /(?:^|\/)(?:\.github\/|\.gitlab-ci|jenkinsfile|\.circleci\/|azure-pipelines|action\.ya?ml$)/],
  [
    'infrastructure',
    /(?:^|\/)(?:dockerfile|(?:docker-)?compose[^/]*\.ya?ml$|k8s\/|kubernetes\/|helm\/|ansible\/|terraform\/)|\.tf$|\.tfvars$/,
  ],
  ['access control', /(?:^|\/)(?:auth|iam)\/|(?:^|\/)(?:codeowners|security[^/]*)$/],
  [
    'secrets',
    /(?:^|\/)(?:\.env(?!\.(?:example|sample|template)$)[^/]*|\.npmrc|\.netrc|\.pypirc|\.git-credentials|credentials[^/]*|id_(?:rsa|dsa|ecdsa|ed25519))$|(?:^|\/)\.(?:ssh|aws|gnupg|kube)(?:\/|$)|\.(?:pem|key|p12|pfx)$|^\/etc\/(?:shadow|gshadow|sudoers)/,
  ],
  [
    'the supply chain',
    /(?:^|\/)(?:package-lock\.json|yarn\.lock|pnpm-lock\.yaml|cargo\.lock|poetry\.lock|go\.sum|\.gitmodules|\.gitattributes)$/,
  ],
  [
    'agent configuration',
    /(?:^|\/)(?:\.claude|\.cursor|\.vscode|\.aegis|\.agentpolicy)(?:\/|$)|(?:^|\/)(?:\.mcp\.json|agents\.md|claude\.md)$/,
  ],
  ['git internals', /(?:^|\/)\.git(?:\/|$)/],
]

/** The sensitive class a path (in the form of `readPath`) belongs to, or null. */
export function sensitiveClass(path: string): string | null {
  const folded = path.toLowerCase()
  return CLASSES.find(([, pattern]) => pattern.test(folded))?.[0] ?? null
}

import { describe, expect, it } from 'vitest'
import { SENSITIVE_CLASSES, sensitiveClass, sensitiveClasses } from '../../src/core/sensitive-paths.ts'

describe('sensitive paths', () => {
  it.each([
    [
      'ci',
      '.github/workflows/ci.yml .gitlab-ci.yml Jenkinsfile .circleci/config.yml action.yml x/action.yaml .travis.yml',
    ],
    [
      'infra',
      'Dockerfile Dockerfile.prod compose.yaml docker-compose.prod.yml main.tf prod.tfvars k8s/a.yaml helm/x ansible/y',
    ],
    ['auth', 'src/auth/a.ts iam/x CODEOWNERS .github/CODEOWNERS SECURITY.md'],
    ['secrets', '.env .env.production a/.npmrc .netrc server.pem id_rsa a.key .ssh/config credentials.json'],
    [
      'supply_chain',
      'package-lock.json yarn.lock pnpm-lock.yaml go.sum uv.lock Gemfile.lock .gitmodules .gitattributes binding.gyp .yarnrc.yml .pnpmfile.cjs .husky/pre-commit',
    ],
    [
      'agent_config',
      '.claude/settings.json .cursor/rules .mcp.json .vscode/tasks.json AGENTS.md a/CLAUDE.md CLAUDE.local.md .devcontainer/devcontainer.json .aegis/x .agentpolicy/y .cursorrules',
    ],
    ['git_internals', '.git/config .git/hooks/pre-commit a/.git GIT~1/config'],
  ])('of class %s are such as %s', (name, paths) => {
    for (const path of paths.split(' '))
      expect([path, sensitiveClasses(path).includes(name as never)]).toEqual([path, true])
    expect(SENSITIVE_CLASSES).toContain(name)
  })

  it.each([
    'src/a.ts',
    '.env.example',
    'docs/compose.md',
    'authors.md',
    'a/keys.ts',
    '.gitignore',
    'package.json',
    'terraform.md',
    '',
  ])('are not such as %j', (path) => {
    expect(sensitiveClass(path)).toBeNull()
  })

  it('may be of several classes', () => {
    expect(sensitiveClasses('.github/CODEOWNERS')).toEqual(['ci', 'auth'])
  })

  it.each([
    ['.GitHub/Workflows/x.yml', 'CI configuration'],
    ['a//.github///x', 'CI configuration'],
    ['a/./.github/./x', 'CI configuration'],
    ['.github\\workflows\\x', 'CI configuration'],
    ['.git./config', 'git internals'],
    ['.git /config', 'git internals'],
    ['.gıt/config', 'git internals'],
    ['．ｅｎｖ', 'secrets'],
    ['.e\u200bnv', 'secrets'],
    ['../.env', 'secrets'],
    ['a/..', null],
  ])('are seen through %j', (path, label) => {
    expect(sensitiveClass(path)).toBe(label)
  })
})

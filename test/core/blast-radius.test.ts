import { describe, expect, it } from 'vitest'
import { rateBlastRadius } from '../../src/core/blast-radius.ts'
import { describeAction, describeUpstreamCall } from '../../src/core/catalog/index.ts'
import { BLAST_LEVELS } from '../../src/core/decision.ts'
import type { JsonObject } from '../../src/core/json.ts'

const REPO = { owner: 'aegisflow', repo: 'aegisflow' }
function github(tool: string, parameters: JsonObject) {
  return rateBlastRadius(
    describeUpstreamCall({ upstream: 'github', catalog: 'github', tool, parameters: { ...REPO, ...parameters } }).acts,
  )
}
function shell(target: string) {
  return rateBlastRadius(
    describeAction({ protocol: 'shell', tool: 'shell', target, capability: null, parameters: {} }).acts,
  )
}
const files = (count: number) => Array.from({ length: count }, (_, index) => ({ path: `src/${index}.ts`, content: '' }))

describe('rateBlastRadius', () => {
  it.each<[string, JsonObject, string]>([
    ['get_file_contents', { path: 'a' }, 'low'],
    ['create_issue', { title: 'x' }, 'low'],
    ['create_branch', { branch: 'x' }, 'low'],
    ['push_files', { branch: 'feat/x', files: files(1) }, 'medium'],
    ['create_pull_request', { head: 'feat/x', base: 'main' }, 'medium'],
    ['push_files', { branch: 'feat/x', files: files(11) }, 'high'],
    ['get_file_contents', { path: '.env' }, 'high'],
    ['delete_file', { branch: 'feat/x', path: 'a' }, 'high'],
    ['push_files', { branch: 'main', files: files(1) }, 'critical'],
    ['create_or_update_file', { path: 'a' }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: '.github/workflows/ci.yml', content: '' }] }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: 'infra/MAIN.TF', content: '' }] }, 'critical'],
    ['push_files', { branch: 'feat/x', files: [{ path: '.claude/settings.json', content: '' }] }, 'critical'],
    ['merge_pull_request', { pullNumber: 7 }, 'critical'],
    ['update_pull_request_branch', { pullNumber: 7 }, 'medium'],
    ['delete_repository', {}, 'critical'],
  ])('rates %s %j as %s', (tool, parameters, level) => {
    expect(github(tool, parameters).level).toBe(level)
  })

  it.each([
    ['ls src', 'low'],
    ['pytest', 'medium'],
    ['cat ~/.ssh/id_rsa', 'high'],
    ['rm -rf build', 'high'],
    ['rm -rf /', 'critical'],
    ['rm -rf ~', 'critical'],
    ['echo x > .github/workflows/ci.yml', 'critical'],
    ['git push origin main', 'critical'],
    ['$X', 'high'],
  ])('rates the line %s as %s', (line, level) => {
    expect(shell(line).level).toBe(level)
  })

  it('gives the level that its score says, and the reasons that raised it', () => {
    const { score, level, reasons } = shell('ls && rm -rf /etc && cat .env.example')
    expect(score).toBeGreaterThanOrEqual(75)
    expect(BLAST_LEVELS).toContain(level)
    expect(reasons).toContain('deletes a whole place')
    expect(reasons.join()).not.toContain('.env.example')
  })

  it('never falls when an act is added', () => {
    for (const line of ['ls', 'pytest', 'rm x', 'cat .env']) {
      expect(shell(`${line} && rm y`).score).toBeGreaterThanOrEqual(shell(line).score)
    }
  })
})

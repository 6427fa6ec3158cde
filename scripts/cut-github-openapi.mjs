// Cuts what the local forge serves out of GitHub's published OpenAPI description, for test/vectors/github-openapi.json.
// Source: @octokit/openapi 23.0.2 (MIT), file generated/api.github.com.json. Run once per version:
//   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz package/LICENSE package/generated/api.github.com.json
//   node scripts/cut-github-openapi.mjs package > test/vectors/github-openapi.json
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const REPO = '/repos/{owner}/{repo}'
/** Path to the methods kept. */
const KEPT = {
  '/app': ['get'],
  '/app/installations': ['get'],
  '/app/installations/{installation_id}': ['get'],
  '/app/installations/{installation_id}/access_tokens': ['post'],
  '/installation/repositories': ['get'],
  '/installation/token': ['delete'],
  '/user/repos': ['post'],
  '/search/code': ['get'],
  '/search/issues': ['get'],
  '/search/repositories': ['get'],
  '/search/users': ['get'],
  [REPO]: ['get'],
  [`${REPO}/installation`]: ['get'],
  [`${REPO}/forks`]: ['post'],
  [`${REPO}/branches`]: ['get'],
  [`${REPO}/branches/{branch}`]: ['get'],
  [`${REPO}/rules/branches/{branch}`]: ['get'],
  [`${REPO}/contents/{path}`]: ['get', 'put', 'delete'],
  [`${REPO}/git/ref/{ref}`]: ['get'],
  [`${REPO}/git/matching-refs/{ref}`]: ['get'],
  [`${REPO}/git/refs`]: ['post'],
  [`${REPO}/git/refs/{ref}`]: ['patch', 'delete'],
  [`${REPO}/git/blobs`]: ['post'],
  [`${REPO}/git/blobs/{file_sha}`]: ['get'],
  [`${REPO}/git/trees`]: ['post'],
  [`${REPO}/git/trees/{tree_sha}`]: ['get'],
  [`${REPO}/git/commits`]: ['post'],
  [`${REPO}/git/commits/{commit_sha}`]: ['get'],
  [`${REPO}/commits`]: ['get'],
  [`${REPO}/commits/{ref}`]: ['get'],
  [`${REPO}/commits/{ref}/status`]: ['get'],
  [`${REPO}/commits/{ref}/check-runs`]: ['get'],
  [`${REPO}/statuses/{sha}`]: ['post'],
  [`${REPO}/compare/{basehead}`]: ['get'],
  [`${REPO}/pulls`]: ['get', 'post'],
  [`${REPO}/pulls/{pull_number}`]: ['get', 'patch'],
  [`${REPO}/pulls/{pull_number}/files`]: ['get'],
  [`${REPO}/pulls/{pull_number}/commits`]: ['get'],
  [`${REPO}/pulls/{pull_number}/comments`]: ['get'],
  [`${REPO}/pulls/{pull_number}/reviews`]: ['get', 'post'],
  [`${REPO}/pulls/{pull_number}/merge`]: ['put'],
  [`${REPO}/pulls/{pull_number}/update-branch`]: ['put'],
  [`${REPO}/issues`]: ['get', 'post'],
  [`${REPO}/issues/{issue_number}`]: ['get', 'patch'],
  [`${REPO}/issues/{issue_number}/comments`]: ['get', 'post'],
}
const DROPPED = new Set(
  `description summary title example examples default deprecated discriminator externalDocs operationId tags parameters
  headers x-github x-octokit x-github-breaking-changes`.split(/\s+/),
)

const read = (name) => readFileSync(join(process.argv[2], name), 'utf8')
const source = JSON.parse(read('generated/api.github.com.json'))

/** Without prose; under `properties` every key is a name and stays. */
function plain(value, names = false) {
  if (Array.isArray(value)) return value.map((item) => plain(item))
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => names || !DROPPED.has(key))
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item, !names && key === 'properties')]))
}

const refsIn = (value) => [...JSON.stringify(value).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)]

const paths = Object.fromEntries(
  Object.entries(KEPT).map(([path, methods]) => [
    path,
    Object.fromEntries(methods.map((method) => [method, plain(source.paths[path][method])])),
  ]),
)
// The published list of installations has `account` as a user and an enterprise at once (allOf); the single one, rightly, as
// either (anyOf). The list is taken to be a list of those.
paths['/app/installations'].get.responses['200'].content['application/json'].schema.items = {
  $ref: '#/components/schemas/installation',
}
const components = {}
const waiting = refsIn(paths)
while (waiting.length > 0) {
  const [, kind, name] = waiting.pop()
  components[kind] ??= {}
  if (name in components[kind]) continue
  components[kind][name] = plain(source.components[kind][name])
  waiting.push(...refsIn(components[kind][name]))
}
const sorted = Object.fromEntries(
  Object.entries(components).map(([kind, items]) => [kind, Object.fromEntries(Object.entries(items).sort())]),
)
const about = {
  source: '@octokit/openapi 23.0.2, generated/api.github.com.json',
  license: read('LICENSE').trim(),
  cut_by: 'scripts/cut-github-openapi.mjs',
}
process.stdout.write(`${JSON.stringify({ about, openapi: source.openapi, paths, components: sorted })}\n`)

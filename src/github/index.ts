export { mapBounded } from './bounded.ts'
export { exchange, type Fetch, NoAnswer } from './exchange.ts'
export { createRestMemory, type RestMemory } from './memory.ts'
export { repositoryPath } from './paths.ts'
export { statusOf } from './refusals.ts'
export {
  createGithubRest,
  type GithubRest,
  type PageOptions,
  type ReadOptions,
  type RequestOptions,
  type RestAnswer,
  type RestOptions,
  type RestPages,
} from './rest.ts'

import type { RepositoryFact } from '../../core/facts.ts'
import type { Place } from './place.ts'
import { checkRepository, flag, fullName, objectOf, text, whole } from './shapes.ts'

/** `GET /repos/{o}/{r}`. */
export async function readRepository(place: Place): Promise<RepositoryFact> {
  const { body, moved } = await place.rest.get(place.path(), place.mutable)
  const found = objectOf(body, 'repository')
  checkRepository(found, place.repository, moved)
  const what = 'the repository'
  const defaultBranch = text(found, 'default_branch', what)
  if (defaultBranch === '') throw new Error('GitHub names no default branch')
  return {
    id: whole(found, 'id', what),
    repository: fullName(found, what),
    defaultBranch,
    private: flag(found, 'private', what),
    archived: flag(found, 'archived', what),
  }
}

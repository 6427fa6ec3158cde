import { type Phrase, phrase, short } from './phrase.ts'

/** Reading arguments of any shape: what is not of the type asked for is not there. */
export interface Arguments {
  text(...names: readonly string[]): string | undefined
  number(...names: readonly string[]): number | undefined
  count(name: string): number
}

type Sentence = (read: Arguments, place: Phrase) => Phrase

const SENTENCES: ReadonlyMap<string, Sentence> = new Map(
  Object.entries<Sentence>({
    create_pull_request: (read, place) =>
      phrase`Open the pull request ${title(read)} from ${read.text('head') ?? '?'} into ${read.text('base') ?? 'the default branch'}${place}`,
    push_files: (read, place) => phrase`Push ${files(read)} to ${branch(read)}${place}`,
    create_or_update_file: (read, place) => phrase`Write ${read.text('path') ?? '?'} on ${branch(read)}${place}`,
    delete_file: (read, place) => phrase`Delete ${read.text('path') ?? '?'} on ${branch(read)}${place}`,
    create_branch: (read, place) =>
      phrase`Create the branch ${branch(read)} from ${read.text('from_branch') ?? 'the default branch'}${place}`,
    merge_pull_request: (read, place) => phrase`Merge pull request ${pull(read)}${method(read)}${place}`,
    update_pull_request_branch: (read, place) =>
      phrase`Bring the branch of pull request ${pull(read)} up to date${place}`,
    create_issue: (read, place) => phrase`Open the issue ${title(read)}${place}`,
    add_issue_comment: (read, place) => phrase`Comment on ${issue(read)}${place}`,
    create_repository: (read) => phrase`Create the repository ${read.text('name') ?? '?'}`,
    delete_repository: (_, place) => phrase`Delete the whole repository${place}`,
    fork_repository: (read, place) => phrase`Fork the repository${place}${into(read)}`,
    create_gist: () => phrase`Publish a gist, outside every repository`,
    actions_run_trigger: (read, place) => phrase`Start the workflow ${read.text('workflow_id') ?? '?'}${place}`,
    assign_copilot_to_issue: (read, place) => phrase`Have another agent work on ${issue(read)}${place}`,
    pull_request_review_write: (read, place) => phrase`Review pull request ${pull(read)}${verdict(read)}${place}`,
    create_pull_request_review: (read, place) => phrase`Review pull request ${pull(read)}${verdict(read)}${place}`,
    get_file_contents: (read, place) => phrase`Read ${read.text('path') ?? 'files'}${place}`,
    get_me: () => phrase`Read whose account it is`,
  }),
)

/** Families of tools whose names say what they do, in the order they are tried. */
const FAMILIES: readonly (readonly [RegExp, Sentence])[] = [
  [/^update_pull_request/, (read, place) => phrase`Change pull request ${pull(read)}${place}`],
  [
    /^(add_|submit_|delete_|resolve_|request_).*(pull|review)/,
    (read, place) => phrase`Change the review of pull request ${pull(read)}${place}`,
  ],
  [/^(update_issue|issue_write|sub_issue|add_sub|label_write)/, (read, place) => phrase`Change ${issue(read)}${place}`],
  [/^search_/, (read) => phrase`Search GitHub for ${read.text('query', 'q') ?? '?'}`],
  [/^list_/, (_, place) => phrase`Read a list${place}`],
  [/^(get_pull_request|pull_request_read)/, (read, place) => phrase`Read pull request ${pull(read)}${place}`],
  [/^(get_issue|issue_read)/, (read, place) => phrase`Read ${issue(read)}${place}`],
]

/** A sentence for a tool of the GitHub catalog, or null where its name alone says it best. */
export function githubSummary(name: string, target: string, read: Arguments): Phrase | null {
  const place = target === '' ? [] : phrase` in ${target}`
  const known = SENTENCES.get(name) ?? FAMILIES.find(([pattern]) => pattern.test(name))?.[1]
  return known?.(read, place) ?? null
}

function title(read: Arguments): string {
  return short(read.text('title') ?? 'without a title')
}

function files(read: Arguments): Phrase {
  const count = read.count('files')
  return [count === 1 ? '1 file' : `${count} files`]
}

function branch(read: Arguments): Phrase {
  const name = read.text('branch')
  return name === undefined ? ['the default branch'] : phrase`${name}`
}

function pull(read: Arguments): Phrase {
  const number = read.number('pull_number', 'pullNumber')
  return number === undefined ? ['of unknown number'] : phrase`#${number}`
}

function issue(read: Arguments): Phrase {
  const number = read.number('issue_number', 'issueNumber')
  return number === undefined ? ['an issue'] : phrase`issue #${number}`
}

function method(read: Arguments): Phrase {
  const how = read.text('merge_method')
  return how === undefined ? [] : phrase` (${how})`
}

function verdict(read: Arguments): Phrase {
  const event = read.text('event')
  return event === undefined ? [] : phrase` as ${event}`
}

function into(read: Arguments): Phrase {
  const organization = read.text('organization')
  return organization === undefined ? [] : phrase` into ${organization}`
}

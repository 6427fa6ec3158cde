import type { Approval } from '../core/approval.ts'
import type { JsonObject } from '../core/json.ts'
import { type Arguments, githubSummary } from './github-summary.ts'
import { type Phrase, phrase, short } from './phrase.ts'

/** What is known of an action; `parameters` null where they are erased or were not kept. */
export interface Asked extends Partial<Pick<Approval, 'plan'>> {
  readonly tool: string
  readonly target: string
  readonly parameters: JsonObject | null
}

/** What will run, in plain words, for who has to decide about it. Total: an unknown tool is named as it is. */
export function summaryOf(asked: Asked): Phrase {
  const { plan, target } = asked
  if (plan !== undefined) {
    return phrase`Open the pull request ${short(plan.title)} from ${plan.branch} into ${plan.base}${on(target)}, in place of a direct write`
  }
  const [room = '', name = ''] = splitTool(asked.tool)
  const read = readerOf(asked)
  switch (room) {
    case 'github':
      return githubSummary(name, target, read) ?? bareSummary(asked)
    case 'shell':
      return phrase`Run ${short(read.text('command') ?? (target === '' ? name : target))}`
    case 'sql':
      return phrase`Run SQL: ${short(read.text('sql', 'query', 'statement') ?? target)}`
    case 'file':
    case 'filesystem':
      return fileSummary(name, target, read) ?? bareSummary(asked)
    case 'http':
      return phrase`Send ${(read.text('method') ?? name).toUpperCase()} to ${short(read.text('url') ?? target)}`
    default:
      return bareSummary(asked)
  }
}

function readerOf({ parameters }: Asked): Arguments {
  const values = parameters ?? {}
  return {
    text: (...names) => names.map((name) => values[name]).find((value) => typeof value === 'string'),
    number: (...names) => names.map((name) => values[name]).find((value) => typeof value === 'number'),
    count(name) {
      const value = values[name]
      return Array.isArray(value) ? value.length : 0
    },
  }
}

function fileSummary(name: string, target: string, read: Arguments): Phrase | null {
  const path = read.text('path', 'file_path', 'filePath') ?? target
  const [from, to] = [read.text('source') ?? '', read.text('destination') ?? '']
  if (/^move/.test(name)) return phrase`Move ${from} to ${to}`
  if (/^copy/.test(name)) return phrase`Copy ${from} to ${to}`
  if (/^(write|create$|append)/.test(name)) return phrase`Write the file ${path}`
  if (/^edit/.test(name)) return phrase`Edit the file ${path}`
  if (/^delete/.test(name)) return phrase`Delete ${path}`
  if (/^(mkdir|create_directory)/.test(name)) return phrase`Make the folder ${path}`
  if (/^search/.test(name)) return phrase`Search ${path}`
  if (/^(read|list|get|stat|directory)/.test(name)) return phrase`Read ${path === '' ? 'files' : path}`
  return null
}

/** What can be said without the arguments. */
export function bareSummary({ tool, target }: Pick<Asked, 'tool' | 'target'>): Phrase {
  return target === '' ? phrase`Call ${tool}` : phrase`Call ${tool} on ${short(target)}`
}

function on(target: string): Phrase {
  return target === '' ? [] : phrase` in ${target}`
}

function splitTool(tool: string): readonly [string, string] {
  const dot = tool.indexOf('.')
  return dot < 0 ? ['', tool] : [tool.slice(0, dot), tool.slice(dot + 1)]
}

/** The pull request that an action is about, where its arguments name one. */
export function pullRequestOf(asked: Asked): { readonly repository: string; readonly number: number } | null {
  if (!asked.tool.startsWith('github.')) return null
  const read = readerOf(asked)
  const number = read.number('pull_number', 'pullNumber')
  const [owner, name] = [read.text('owner'), read.text('repo')]
  const repository = owner === undefined || name === undefined ? asked.target : `${owner}/${name}`
  const named = /^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository)
  return named && number !== undefined && Number.isSafeInteger(number) && number > 0 ? { repository, number } : null
}

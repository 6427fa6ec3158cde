import type { ActionEnvelope } from '../../core/envelope.ts'
import type { ChangedFile, ChangesFact } from '../../core/facts.ts'
import { branchName, readBranchTree } from './branch.ts'
import { comparedFiles, pullFiles } from './listed-files.ts'
import { oldTexts } from './old-texts.ts'
import type { Place } from './place.ts'
import { readPull } from './pull.ts'
import { lookUp, readTree } from './tree.ts'
import { type WrittenFile, writtenFiles } from './written-files.ts'

/** The change of one file from what is there (`null`: nothing, `'unknown'`: it could not be read) to what will be. */
export type ChangeOf = (
  path: string,
  old: string | null | 'unknown',
  now: string | null,
  /** How many files the change has in all. */
  among?: number,
) => ChangedFile

/**
 * What the action changes: of a pull request's action its files, of a proposed pull request the comparison of its branches, of a
 * write its files against what the branch holds.
 */
export async function readChanges(place: Place, envelope: ActionEnvelope, changeOf: ChangeOf): Promise<ChangesFact> {
  const { pull, base } = envelope.resource
  if (pull !== null) {
    const state = await readPull(place, pull)
    // A new base is what the same commits will be merged into: the list of the old one says nothing of it.
    return base === null || base === state.base
      ? pullFiles(place, state)
      : comparedFiles(place, base, state.headSha, state.headSha)
  }
  if (base !== null) return comparedFiles(place, base, headOf(envelope), null)
  const files = writtenFiles(envelope.action)
  if (files === null) throw new Error(`what \`${envelope.action.tool}\` changes cannot be listed`)
  return changesOf(place, envelope, files, changeOf)
}

function headOf({ action }: ActionEnvelope): string {
  const head = action.parameters['head']
  if (typeof head !== 'string' || head === '') throw new Error('the action names no head')
  return head
}

async function changesOf(
  place: Place,
  envelope: ActionEnvelope,
  files: readonly WrittenFile[],
  changeOf: ChangeOf,
): Promise<ChangesFact> {
  const named = await branchName(place, envelope)
  // A branch that is not there is made from the default one; without a first commit everything is new.
  const root = (await readBranchTree(place, named)) ?? (named === null ? null : await readBranchTree(place, null))
  if (root === null) return { files: files.map(({ path, now }) => changeOf(path, null, now)), complete: true }
  const tree = await readTree(place, root, new Set(files.map(({ path }) => path)))
  const found = files.map(({ path, now }) => ({ path, now, was: lookUp(tree, path) }))
  const old = await oldTexts(place, found)
  const direct = found.map(({ path, now }, index) => changeOf(path, old.texts[index] ?? null, now, files.length))
  const beside = old.besides.map(({ path, now }) => changeOf(path, 'unknown', now))
  const removed = found
    .flatMap(({ was }) => (was.kind === 'folder' ? was.files : []))
    .map((path) => changeOf(path, 'unknown', null))
  return {
    files: [...direct, ...beside, ...removed],
    complete:
      old.complete && found.every(({ was }) => was.kind !== 'unlisted' && (was.kind !== 'folder' || was.complete)),
  }
}

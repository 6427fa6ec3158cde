import type { Act, ActionEnvelope } from '../../envelope.ts'

/** How an act merges a pull request: at once, or later, when GitHub finds that it may. */
export type Merge = 'now' | 'later'

const AUTO = /auto_?merge/i
const AUTO_LABEL = /auto[ _-]?merge/i
const TURNS_OFF = /disable|remove|cancel/i

/** Null where it merges nothing. Auto-merge is merging, by whatever tool, method or argument it is switched on. */
export function mergeOf({ tool, method, capability, protocol, resource }: Act, envelope: ActionEnvelope): Merge | null {
  if (capability === 'read') return null
  if (protocol === 'shell') return shellMerge(resource.target)
  const name = method === undefined ? tool : `${tool}:${method}`
  if (AUTO.test(name)) return TURNS_OFF.test(name) ? null : 'later'
  if (tool.startsWith('github.') && switchesOn(envelope)) return 'later'
  return capability === 'merge' ? 'now' : null
}

function switchesOn({ action }: ActionEnvelope): boolean {
  const { labels } = action.parameters
  // Bots merge what bears a label of this name.
  if (Array.isArray(labels) && labels.some((label) => AUTO_LABEL.test(JSON.stringify(label)))) return true
  return Object.entries(action.parameters).some(
    ([key, value]) => AUTO.test(key) && !TURNS_OFF.test(key) && value !== false && value !== null,
  )
}

/** GitHub's own command, which uses the credentials of whoever is logged in. */
function shellMerge(target: string): Merge | null {
  const line = githubLine(target)
  if (/^gh pr merge(?: |$)/.test(line)) return /(?: )--auto(?: |$)/.test(line) ? 'later' : 'now'
  if (/^gh api .*(?:enablePullRequestAutoMerge|enqueuePullRequest)/i.test(line)) return 'later'
  return /^gh api .*(?:\/(?:merge|merges)(?: |$)|mergePullRequest|mergeBranch)/i.test(line) ? 'now' : null
}

/** A command of `gh` without the repository it names, which may stand before any of its words. */
export function githubLine(target: string): string {
  return target.replace(/^gh\.exe /, 'gh ').replace(/ (?:-R|--repo)(?:[ =]|(?<=R))\S+/g, '')
}

/** `pull request #7`. */
export function shownPull({ resource }: Act): string {
  return resource.pull === null ? 'the pull request' : `pull request #${resource.pull}`
}

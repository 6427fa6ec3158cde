import { isObject, textMember } from '../../core/json.ts'
import { recordedReviewer } from '../../core/reviewer-name.ts'
import type { EntryBody } from '../../ledger/format/body.ts'
import type { VerifyReport } from '../../ledger/verify/report.ts'
import { type Trust, trustName } from '../../ledger/verify/trust.ts'
import { visible } from '../output.ts'

export const EXIT = { valid: 0, tampered: 1, undecided: 3, belowTrust: 4 } as const

/** Approvals a session tells of. */
export interface Approvals {
  given: number
  /** Those that came from another host or user than the server's: the agent there could not have given them itself. */
  separated: number
}

export function countApproval(entry: EntryBody, approvals: Approvals): void {
  const reviewer = entry.whole['reviewer']
  if (entry.kind !== 'approve' || !isObject(reviewer)) return
  const separation = textMember(reviewer, 'separation')
  approvals.given += 1
  if (separation === 'uid' || separation === 'host') approvals.separated += 1
}

/** `envelope <uuid> allow github.get_file_contents`: one entry, one line, nothing in it can move the cursor. */
export function lineOf(entry: EntryBody): string {
  return `envelope ${visible(entry.env)} ${entry.kind} ${visible(subjectOf(entry))}`
}

function subjectOf(entry: EntryBody): string {
  const reviewer = entry.whole['reviewer']
  if (isObject(reviewer) && (entry.kind === 'approve' || entry.kind === 'deny')) {
    const [principal, name] = [textMember(reviewer, 'principal') ?? '', textMember(reviewer, 'name') ?? '']
    return recordedReviewer({ principal, name, claimed: textMember(reviewer, 'claimed') ?? null })
  }
  const outcome = entry.whole['outcome']
  if (isObject(outcome) && entry.kind === 'result') {
    return textMember(outcome, 'label') ?? textMember(outcome, 'status') ?? ''
  }
  return entry.tool
}

/** The verdict in lines: first whether it holds, then every finding, then what stands behind it. */
export function textOf(report: VerifyReport, { given, separated }: Approvals, fast = false): string {
  const lines = [...verdictOf(report), ...findingsOf(report)]
  if (report.valid) lines.push(`trust: ${trustLine(report.trust)}`)
  if (fast) lines.push('fast: canonical form and columns were left out')
  if (report.valid && given > separated) {
    lines.push(
      `approvals: ${given - separated} of ${given} not separated from the agent (no proof that a person gave them)`,
    )
  }
  if (report.belowTrust !== null) lines.push(`below the trust required: ${report.belowTrust}`)
  return `${lines.map(visible).join('\n')}\n`
}

function verdictOf(report: VerifyReport): string[] {
  if (report.valid) {
    return [
      `valid: true, total_entries: ${report.totalEntries}, audit log integrity verified`,
      `session_manifest_hash: ${report.manifestHash}`,
    ]
  }
  const damaged = report.findings.some(({ severity }) => severity === 'error')
  return [damaged || report.undecided === null ? 'valid: false' : `cannot decide: ${report.undecided}`]
}

export function findingsOf(report: VerifyReport): string[] {
  const lines = report.brokenLink === null ? [] : [`broken_link: ${report.brokenLink}`]
  for (const { severity, place, class: kind, detail } of report.findings) {
    lines.push(`${severity}: ${place} ${kind}: ${detail}`)
  }
  const unlisted = report.findingsTotal - report.findings.length
  return unlisted > 0 ? [...lines, `and ${unlisted} more findings`] : lines
}

export function trustLine(trust: Trust): string {
  if (trust.checkpoint === null) return 'unsigned (detects edits, not a full rewrite)'
  const { size, key } = trust.checkpoint
  return `${trustName(trust)} (checkpoint of ${size} entries, key ${key})`
}

export function exitOf(report: VerifyReport): number {
  if (report.valid) return report.belowTrust === null ? EXIT.valid : EXIT.belowTrust
  const damaged = report.findings.some(({ severity }) => severity === 'error')
  return damaged ? EXIT.tampered : EXIT.undecided
}

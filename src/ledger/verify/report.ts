import type { JsonObject } from '../../core/json.ts'
import { createFindings } from './damage.ts'
import { reportOf, type VerifyReport } from './session-verifier.ts'
import { type LogFault, type Trust, trustName } from './trust.ts'

export {
  createSessionVerifier,
  type Ending,
  type Opening,
  type PresentedManifest,
  reportOf,
  type SessionVerifier,
  type VerifyContext,
  type VerifyReport,
} from './session-verifier.ts'

/** The report as `--json` and REST give it: stable, snake_case. */
export function reportJson(report: VerifyReport): JsonObject {
  return {
    valid: report.valid,
    undecided: report.undecided,
    origin: report.origin,
    session: report.session,
    total_entries: report.totalEntries,
    session_manifest_hash: report.manifestHash,
    broken_link: report.brokenLink,
    findings: report.findings.map(({ class: kind, severity, seq, n, place, detail }) => ({
      ...{ class: kind, severity, seq, n, place, detail },
    })),
    findings_total: report.findingsTotal,
    trust: trustName(report.trust),
    checkpoint: report.trust.checkpoint && { ...report.trust.checkpoint },
    below_trust: report.belowTrust,
  }
}

/** The report with what was found of the log apart from the evidence itself, and the trust that comes of it. */
export function extendReport(report: VerifyReport, faults: readonly LogFault[], trust: Trust): VerifyReport {
  const findings = createFindings()
  for (const known of report.findings) findings.take(known)
  for (const { kind, detail, n } of faults) findings.add(kind, null, n ?? null, detail)
  const { undecided, belowTrust: lacking } = report
  const extended = reportOf(report, findings, { trust, undecided, lacking })
  return { ...extended, findingsTotal: report.findingsTotal + faults.length }
}

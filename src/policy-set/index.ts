export { type CaseResult, caseEnvelope, runCase, runCases } from './cases.ts'
export { bundledPolicies, findPolicy, listPacks } from './find.ts'
export {
  compileSources,
  type LoadedPolicies,
  loadPolicies,
  type PolicyReading,
  type PolicySources,
  readPolicyFile,
  readPolicyText,
  refusal,
} from './load.ts'
export { openPolicySet, type PolicySet, type PolicySetOptions, type ReloadOutcome } from './policy-set.ts'
export { type CaseInput, type PolicyCase, readCases, toClaim } from './read-cases.ts'
export {
  type DiskState,
  POLICY_CAUSES,
  type PolicyAuthor,
  type PolicyCause,
  type PolicySource,
  type PolicyVersion,
  type PolicyVersionStore,
  sourcesSha256,
} from './version.ts'
export { openPolicyVersions, type PolicyVersions, type PolicyVersionsParts } from './versions.ts'

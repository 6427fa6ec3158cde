export { type CaseResult, caseEnvelope, runCase, runCases } from './cases.ts'
export { type DocumentDiff, diffPolicies, type PlacedRule, type PolicyDiff, type RuleChange } from './diff.ts'
export { bundledPolicies, findPolicy, listPacks } from './find.ts'
export {
  type CompiledSources,
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
export * from './replay/index.ts'
export { ruleText } from './rule-text.ts'
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

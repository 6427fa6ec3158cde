export { type CaseResult, caseEnvelope, runCase, runCases } from './cases.ts'
export { bundledPolicies, findPolicy, listPacks } from './find.ts'
export {
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

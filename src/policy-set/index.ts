export {
  type CaseInput,
  type CaseResult,
  caseEnvelope,
  type PolicyCase,
  readCases,
  runCase,
  runCases,
  toClaim,
} from './cases.ts'
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

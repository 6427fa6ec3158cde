export { type Candidate, candidateOf, type Rejudged, rejudge } from './judge.ts'
export { type Rebuilt, type RecordedDecision, rebuild, recordedDecision, type Undecidable } from './recorded.ts'
export { createReplay, type DocumentsOf, type Replay } from './replay.ts'
export { addedUp, type ChangedDecision, NO_DECISIONS, type ReplayReport } from './tally.ts'

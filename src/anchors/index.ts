export { type AddCheckpoint, parseAddCheckpoint, SIZE_TYPE } from './add-checkpoint.ts'
export { type Anchor, AnchorError, type AnchorFault, type AnchorKind, type Prove } from './anchor.ts'
export {
  type AnchoredNote,
  type AnchorFinding,
  type AnchorFindingClass,
  type AnchorReport,
  anchoredSizes,
  checkAnchors,
  cosignedNotes,
  type FoundLog,
} from './check.ts'
export { createDispatcher, type Dispatcher, type DispatcherParts } from './dispatcher.ts'
export { isSafeAddress } from './http-post.ts'
export type { AnchorStatus, Scheduled } from './lane.ts'
export { createProver } from './prover.ts'
export { type AnchorSource, isRef, parseAnchorSource, readAnchor } from './read-back.ts'
export { type AnchorSettings, type AnchorSurroundings, createAnchors, type SecretSource } from './settings.ts'
export { anchorStatusJson } from './status-json.ts'
export { witnessKey } from './witness-anchor.ts'

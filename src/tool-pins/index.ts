export { definitionDiff } from './diff.ts'
export type { Pin, PinFinding, PinKey, PinnedDefinition, PinStore } from './ports.ts'
export { isReservedName, openToolPins, PIN_MODES, type PinMode, type Standing, type ToolPins } from './tool-pins.ts'

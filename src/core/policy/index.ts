/** The policy decision point: read documents, compile them, decide. */
export { compilePolicy } from './compile.ts'
export type { CompiledPolicy, Simulation, TraceStep } from './compiled.ts'
export type { PolicyDocument } from './document.ts'
export { type ParseOptions, type ParseResult, parsePolicy } from './parse.ts'
export { type MappingTree, type Position, type Problem, problemLine, type Tree, type TreeEntry } from './tree.ts'

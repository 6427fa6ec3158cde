/** The policy decision point: read documents, compile them, decide. */
export { compilePolicy } from './compile.ts'
export type { CompiledPolicy, Simulation, TraceStep } from './compiled.ts'
export type { PolicyDocument, Rule } from './document.ts'
export { guardForm, ruleForm } from './form.ts'
export { guardNeeds } from './guarding.ts'
export { type ParseOptions, type ParseResult, parsePolicy } from './parse.ts'
export { type MappingTree, type Position, type Problem, problemLine, type Tree, type TreeEntry } from './tree.ts'

import { CAPABILITIES, type Capability } from '../envelope.ts'
import { AegisError } from '../errors.ts'
import { excerpt } from '../paths.ts'
import type { Described } from './catalog.ts'

/** @throws AegisError `invalid_params` for a word that is no capability. */
export function parseCapability(text: string | null): Capability | null {
  if (text === null || text === '') return null
  const found = CAPABILITIES.find((capability) => capability === text)
  if (found !== undefined) return found
  throw new AegisError('invalid_params', `unknown capability ${excerpt(text)}`, {
    path: 'capability',
    advice: `Known capabilities: ${CAPABILITIES.join(', ')}; or leave it out.`,
  })
}

/**
 * The catalog wins over a claim, and a claim that disagrees is refused: its sender misunderstands the call. For a shell
 * line, which callers cannot be asked to classify, only a claim that makes it look harmless is refused.
 * @throws AegisError `invalid_params`
 */
export function checkClaim(described: Described, claimed: Capability | null): void {
  const { capability, tool, protocol } = described
  if (claimed === null || claimed === capability) return
  const shell = protocol === 'shell' || protocol === 'file'
  if (shell && (claimed === 'execute' || harm(claimed) >= harm(capability))) return
  throw new AegisError('invalid_params', `${excerpt(tool)} with these arguments is a ${capability}, not a ${claimed}`, {
    path: 'capability',
    advice: `Send capability \`${capability}\`, or leave it out.`,
  })
}

function harm(capability: Capability): number {
  if (capability === 'read') return 0
  return capability === 'delete' ? 2 : 1
}

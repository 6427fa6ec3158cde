import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { packageVersion } from '../../src/cli/installation.ts'
import { type Composition, compose } from '../../src/compose.ts'
import type { Config } from '../../src/config.ts'

/** The parts of an installation without a server: what its admin doors answer, and which routes they have. */
export async function composed(config: Config): Promise<Composition> {
  writeFileSync(config.places.installationKey, randomBytes(32).toString('hex'), { mode: 0o600 })
  return compose(config, { mcp: 'http://127.0.0.1:8080', admin: 'http://127.0.0.1:8081' }, packageVersion())
}

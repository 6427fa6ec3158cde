import { createSchema } from 'graphql-yoga'
import { approvalResolvers, approvalSdl } from './approvals.ts'
import { commonResolvers, commonSdl } from './common.ts'
import { entryResolvers, entrySdl } from './entries.ts'
import { evidenceResolvers, evidenceSdl } from './evidence.ts'
import { keyResolvers, keySdl } from './keys.ts'
import { liveResolvers, liveSdl } from './live.ts'
import { policyResolvers, policySdl } from './policies.ts'
import { roomResolvers, roomSdl } from './rooms.ts'
import { statsResolvers, statsSdl } from './stats.ts'
import type { Visit } from './visit.ts'

/** Each noun with its types and resolvers in a file of its own; pinned whole by `test/pins/schema.graphql`. */
export function graphqlSchema() {
  return createSchema<Visit>({
    typeDefs: [commonSdl, approvalSdl, entrySdl, evidenceSdl, keySdl, roomSdl, policySdl, statsSdl, liveSdl],
    resolvers: [
      commonResolvers,
      approvalResolvers,
      entryResolvers,
      evidenceResolvers,
      keyResolvers,
      roomResolvers,
      policyResolvers,
      statsResolvers,
      liveResolvers,
    ],
  })
}

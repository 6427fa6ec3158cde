import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { parseAddCheckpoint, SIZE_TYPE } from '../anchors/index.ts'
import { EMPTY_ROOT } from '../ledger/merkle/tree.ts'
import { verifyConsistency } from '../ledger/merkle/verify-proof.ts'
import { readCheckpoint } from '../ledger/notes/checkpoint.ts'
import { openNote, parseNote } from '../ledger/notes/note.ts'
import { type Signer, signatureLine } from '../ledger/notes/sign.ts'
import { keysInForce, type TrustPolicy } from '../ledger/notes/trust-policy.ts'
import type { WitnessState } from './witness-state.ts'

export interface WitnessParts {
  readonly signer: Signer
  /** The logs: the origin of each is the name of its keys. */
  readonly policy: TrustPolicy
  readonly state: WitnessState
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly type?: string
}

/** A request with 63 hashes and a note of sixteen signatures fits by far. */
const MAX_BODY = 256 * 1024

/** `POST /add-checkpoint` of c2sp.org/tlog-witness, and nothing else. */
export function createWitnessServer(parts: WitnessParts): Server {
  const server = createServer((request, response) => {
    answer(request, parts).then(
      (given) => reply(response, given),
      () => reply(response, { status: 500, body: 'the checkpoint could not be kept, so it is not cosigned\n' }),
    )
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.maxConnections = 256
  return server
}

async function answer(request: IncomingMessage, parts: WitnessParts): Promise<Answer> {
  if (request.url !== '/add-checkpoint') return { status: 404, body: 'only /add-checkpoint is served here\n' }
  if (request.method !== 'POST') return { status: 405, body: 'POST a checkpoint\n' }
  const body = await read(request)
  return body === null ? { status: 413, body: 'the request is too large\n' } : addCheckpoint(body, parts)
}

/** Null where there is too much of it. The rest is read all the same, for at most `requestTimeout`: else the answer would be lost. */
async function read(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length <= MAX_BODY) chunks.push(chunk)
  }
  return length > MAX_BODY ? null : Buffer.concat(chunks).toString('utf8')
}

/** Judges, keeps, and only then signs. */
async function addCheckpoint(body: string, { signer, policy, state }: WitnessParts): Promise<Answer> {
  const asked = parseAddCheckpoint(body)
  const parsed = asked && parseNote(asked.note)
  if (asked === null || parsed === null || typeof parsed === 'string') {
    return { status: 400, body: 'not an add-checkpoint request\n' }
  }
  const checkpoint = readCheckpoint(parsed.text)
  if (checkpoint === null) return { status: 400, body: 'not a checkpoint\n' }
  const { origin, size, root } = checkpoint
  const ofLog = { keys: policy.keys.filter(({ key }) => key.kind === 'ed25519' && key.name === origin) }
  if (ofLog.keys.length === 0) return { status: 404, body: 'this log is not witnessed here\n' }
  const opened = openNote(asked.note, keysInForce(ofLog, size))
  if (!opened.ok) return { status: 403, body: `${opened.reason}\n` }
  if (asked.oldSize > size) return { status: 400, body: 'the old size is larger than the new one\n' }
  // From here to `keep` nothing may wait: a second request would be judged by what the first is about to change.
  const seen = state.last(origin) ?? { size: 0, root: EMPTY_ROOT }
  const conflict = { status: 409, body: `${seen.size}\n`, type: SIZE_TYPE }
  if (asked.oldSize !== seen.size) return conflict
  if (size === seen.size && Buffer.compare(root, seen.root) !== 0) return conflict
  if (!verifyConsistency(seen.size, size, seen.root, root, asked.proof)) {
    return { status: 422, body: 'the proof does not lead from the old tree to the new one\n' }
  }
  state.keep(origin, { size, root })
  return { status: 200, body: `${await signatureLine(parsed.text, signer)}\n` }
}

function reply(response: ServerResponse, { status, body, type = 'text/plain; charset=utf-8' }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}

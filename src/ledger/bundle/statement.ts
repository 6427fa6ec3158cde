import type { JsonObject } from '../../core/json.ts'
import type { EvidenceBundle } from '../format/bundle-format.ts'

/** What our predicate says is told in `docs/evidence-statement.md`. A URI (in-toto calls it a TypeURI): a name, not an address. */
export const PREDICATE_TYPE = 'pkg:npm/aegis-proxy#session-evidence/v1'

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/** A DSSE envelope (secure-systems-lab DSSE v1.0): payload and signatures in base64. */
export interface Envelope {
  readonly payloadType: typeof PAYLOAD_TYPE
  readonly payload: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

/** Signs with the log's key. `keyid` is the part of its vkey that stands in checkpoints too: `<name>+<hex id>`. */
export type Attest = (bytes: Uint8Array) => Promise<{ readonly keyid: string; readonly signature: Uint8Array }>

/**
 * An in-toto statement about a session: its subject is the manifest, whose leaf hash is the SHA-256 of the byte 0x00 and the
 * manifest's text, and which names the number of entries and the hash of the last.
 */
export function statementOf(bundle: EvidenceBundle): JsonObject {
  const { origin, session, manifest, proof } = bundle
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: session, digest: { sha256: manifest.hash } }],
    predicateType: PREDICATE_TYPE,
    predicate: { log: origin, session, manifest: { n: manifest.n, body: manifest.body }, proof },
  }
}

/** The statement in a signed envelope. */
export async function signStatement(bundle: EvidenceBundle, attest: Attest): Promise<Envelope> {
  const payload = Buffer.from(JSON.stringify(statementOf(bundle)))
  const { keyid, signature } = await attest(preAuthentication(PAYLOAD_TYPE, payload))
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid, sig: Buffer.from(signature).toString('base64') }],
  }
}

/**
 * What DSSE has signed (PAE). It begins with `DSSEv1 ` and has no line feed before the payload's type: no checkpoint of a log
 * does, whose first line is a name without spaces, so a signature of one never passes for the other.
 */
export function preAuthentication(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

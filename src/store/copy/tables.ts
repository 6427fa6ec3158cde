/** What a column holds, so that both databases' values become the same bytes. */
export type Kind = 'int' | 'text' | 'bytes'

/** A table that is copied as it is. Names are ours, never a user's. */
export interface Table {
  readonly name: string
  readonly columns: Readonly<Record<string, Kind>>
  /** Its key, by which both databases sort alike (by bytes). */
  readonly order: string
}

/** In the order they are written: the head row first, so that no gateway can begin a log of its own meanwhile. */
export const TABLES: readonly Table[] = [
  {
    name: 'ledger_log',
    columns: {
      ...{ id: 'int', origin: 'text', size: 'int', replay_from: 'int' },
      ...{ frontier: 'bytes', min_index: 'int', epoch: 'int' },
    },
    order: 'id',
  },
  {
    name: 'ledger_entry',
    columns: {
      ...{ n: 'int', eid: 'text', session: 'text', seq: 'int', kind: 'text' },
      ...{ env: 'text', ts: 'text', hash: 'text', prev: 'text', body: 'bytes' },
    },
    order: 'n',
  },
  {
    name: 'ledger_session',
    columns: {
      ...{ session: 'text', tenant: 'text', next_seq: 'int', head_hash: 'text' },
      ...{ status: 'text', manifest_n: 'int', last_n: 'int' },
    },
    order: 'session',
  },
  {
    name: 'ledger_payload',
    columns: { n: 'int', path: 'text', salt: 'bytes', value: 'bytes' },
    order: 'n, path',
  },
  { name: 'ledger_tile', columns: { level: 'int', idx: 'int', hashes: 'bytes' }, order: 'level, idx' },
  { name: 'ledger_checkpoint', columns: { size: 'int', root: 'bytes', note: 'text' }, order: 'size' },
  {
    name: 'ledger_anchor',
    columns: { size: 'int', sink: 'text', receipt: 'text', at: 'int' },
    order: 'size, sink',
  },
  { name: 'ledger_hold', columns: { session: 'text', reason: 'text', at: 'int' }, order: 'session' },
  {
    name: 'approval',
    columns: {
      ...{ id: 'text', status: 'text', digest: 'text', principal: 'text', session: 'text', queued_at: 'int' },
      ...{ expires_at: 'int', record: 'text', parameters: 'text', votes: 'text', resolution: 'text' },
      risk: 'int',
    },
    order: 'id',
  },
  {
    name: 'api_key',
    columns: {
      ...{ id: 'text', name: 'text', owner: 'text', sponsor: 'text', role: 'text' },
      ...{ hash: 'text', prefix: 'text', created_at: 'int', revoked_at: 'int' },
      ...{ room_id: 'text', room_role: 'text', last_used_at: 'int', expires_at: 'int' },
    },
    order: 'id',
  },
  {
    name: 'login_session',
    columns: { hash: 'text', principal: 'text', created_at: 'int', seen_at: 'int', ends_at: 'int' },
    order: 'hash',
  },
  {
    name: 'room',
    columns: {
      ...{ id: 'text', repository_key: 'text', record: 'text' },
      ...{ version: 'int', created_at: 'int', updated_at: 'int' },
    },
    order: 'id',
  },
  {
    name: 'taint',
    columns: {
      ...{ principal: 'text', source: 'text', visibility: 'text', repository: 'text', is_text: 'int', at: 'int' },
    },
    order: 'principal, source, visibility',
  },
  {
    name: 'delegation',
    columns: {
      ...{ id: 'text', principal: 'text', name: 'text', owner: 'text', delegate: 'text' },
      ...{ created_at: 'int', until: 'int', ended_at: 'int' },
    },
    order: 'id',
  },
  {
    name: 'policy_version',
    columns: { number: 'int', digest: 'text', record: 'text', at: 'int', disk: 'text', leaf: 'int' },
    order: 'number',
  },
  {
    name: 'pending_revocation',
    columns: {
      ...{ id: 'text', sealed: 'bytes', api_url: 'text', token_sha256: 'text', scope: 'text', envelope: 'text' },
      ...{ issued_at: 'int', deadline: 'int', attempts: 'int', next_attempt_at: 'int' },
    },
    order: 'id',
  },
  {
    name: 'tool_pin',
    columns: {
      ...{
        upstream: 'text',
        tool: 'text',
        digest: 'text',
        core: 'text',
        era: 'text',
        status: 'text',
        definition: 'text',
      },
      ...{ findings: 'text', seen_at: 'int', decided_at: 'int', decided_by: 'text' },
    },
    order: 'upstream, tool, digest',
  },
  {
    name: 'notification',
    columns: {
      ...{ id: 'text', endpoint: 'text', event: 'text', n: 'int', status: 'text', attempts: 'int' },
      ...{ created_at: 'int', next_attempt_at: 'int', failed_at: 'int', error: 'text' },
    },
    order: 'id',
  },
  {
    name: 'notification_cursor',
    columns: { id: 'int', next: 'int', holder: 'text', held_until: 'int' },
    order: 'id',
  },
  {
    name: 'notification_reference',
    columns: { endpoint: 'text', subject: 'text', reference: 'text', at: 'int' },
    order: 'endpoint, subject',
  },
]

/** A value as it is copied: text as text, so that what is not UTF-8 cannot get this far. */
export type Value = null | number | string | Uint8Array
export type CopiedRow = readonly Value[]

import { doubtOf, NO_RESOURCE } from '../acts.ts'
import type { Act, Capability } from '../envelope.ts'
import type { JsonObject } from '../json.ts'
import { excerpt } from '../paths.ts'
import { hiddenInLines } from '../visible-text.ts'
import type { Described } from './catalog.ts'
import { manyActs, misTyped, oneAct, spelling } from './reading.ts'
import { readSql } from './sql-words.ts'

const MAX_LENGTH = 64 * 1024
const SPELLINGS = ['sql', 'query', 'statement'] as const

/** What a statement does by its first word. A word not here is a write, and doubted. */
const VERBS: ReadonlyMap<string, Capability> = new Map<string, Capability>([
  ...['SELECT', 'SHOW', 'EXPLAIN', 'VALUES', 'DESCRIBE', 'DESC'].map((verb): [string, Capability] => [verb, 'read']),
  ...['INSERT', 'UPDATE', 'MERGE', 'CREATE', 'ALTER', 'GRANT'].map((verb): [string, Capability] => [verb, 'write']),
  ...['DELETE', 'DROP', 'TRUNCATE', 'REVOKE'].map((verb): [string, Capability] => [verb, 'delete']),
])
/** Strictest first: the write that a compound statement (`WITH`, `EXPLAIN ANALYZE`) is named after. */
const WRITES = ['DROP', 'TRUNCATE', 'DELETE', 'UPDATE', 'MERGE', 'INSERT']
/** Words no plain read holds: writes, locks, files, programs, session state, and functions that reach outside (PostgreSQL, MySQL, SQLite). */
const NOT_PLAIN = new Set([
  ...WRITES,
  ...[
    'INTO',
    'OUTFILE',
    'DUMPFILE',
    'ANALYZE',
    'ANALYSE',
    'REPLACE',
    'CALL',
    'EXECUTE',
    'EXEC',
    'PREPARE',
    'DO',
    'COPY',
  ],
  ...['GRANT', 'REVOKE', 'ALTER', 'CREATE', 'ATTACH', 'PRAGMA', 'LOAD', 'HANDLER', 'LOCK', 'SHARE', 'RESET', 'UESCAPE'],
  ...['LOAD_FILE', 'LOAD_EXTENSION', 'READFILE', 'WRITEFILE', 'SLEEP', 'BENCHMARK', 'SET_CONFIG', 'SETVAL', 'NEXTVAL'],
  ...['QUERY_TO_XML', 'QUERY_TO_XMLSCHEMA', 'DATABASE_TO_XML', 'CURSOR_TO_XML', 'XP_CMDSHELL', 'SYS_EXEC', 'SYS_EVAL'],
])
const REACHES_OUT =
  /^(?:PG_(?!CATALOG$|TYPEOF$|CLASS$|TABLES$|INDEXES$|NAMESPACE$|ATTRIBUTE$|STAT_)|LO_|DBLINK|FILE_|HTTP_|NET_)/
const SAFE_BEFORE_PARENTHESIS = new Set([
  ...[
    'COUNT',
    'SUM',
    'MIN',
    'MAX',
    'AVG',
    'COALESCE',
    'LOWER',
    'UPPER',
    'LENGTH',
    'ROUND',
    'ABS',
    'NOW',
    'DATE',
    'CAST',
  ],
  ...[
    'DATE_TRUNC',
    'EXTRACT',
    'SUBSTRING',
    'TRIM',
    'CONCAT',
    'NULLIF',
    'GREATEST',
    'LEAST',
    'ROW_NUMBER',
    'RANK',
    'TO_CHAR',
  ],
  ...['IN', 'AND', 'OR', 'NOT', 'EXISTS', 'ANY', 'ALL', 'FROM', 'JOIN', 'AS', 'ON', 'WHERE', 'SELECT', 'OVER', 'USING'],
  ...[
    'VALUES',
    'CASE',
    'WHEN',
    'THEN',
    'ELSE',
    'BETWEEN',
    'LIKE',
    'BY',
    'HAVING',
    'UNION',
    'EXCEPT',
    'INTERSECT',
    'FILTER',
  ],
])
const MODIFIERS = new Set([
  'OR',
  'REPLACE',
  'TEMP',
  'TEMPORARY',
  'UNIQUE',
  'GLOBAL',
  'LOCAL',
  'UNLOGGED',
  'MATERIALIZED',
])

/**
 * A call that carries SQL. Each statement is an act named by its verb (`sql.select`, `sql.drop_table`); only a single
 * plain read is free of doubt. Operands are all names a statement holds, columns included: a rule that allows by table
 * must allow them all. The full parser comes with the SQL policies.
 * @throws AegisError `invalid_params` where the statement is no text, or two spellings of it disagree.
 */
export function describeSql(tool: string, parameters: JsonObject): Described {
  const found = spelling(parameters, SPELLINGS)
  if (found === null) {
    const doubt = `${excerpt(`sql.${tool}`)} carries no \`sql\` or \`query\` to read`
    return oneAct(
      { protocol: 'sql', tool: `sql.${tool}`, capability: 'write', resource: NO_RESOURCE, doubt },
      parameters,
    )
  }
  if (typeof found.value !== 'string') throw misTyped(found.key, 'text', found.value)
  const acts = statementActs(found.value)
  const [first, ...rest] = acts
  if (rest.length === 0) return oneAct(first, parameters)
  const target = targetOf(found.value)
  return manyActs({ protocol: 'sql', tool: 'sql.script', capability: 'write', target }, acts, parameters)
}

function statementActs(text: string): [Act, ...Act[]] {
  if (text.length > MAX_LENGTH)
    return [statementAct([], [`it is longer than ${MAX_LENGTH} characters`], targetOf(text))]
  const { statements, doubts } = readSql(text)
  const hidden = hiddenInLines(text.replaceAll('\r\n', '\n'))
  const common = hidden === null ? [...doubts] : [...doubts, `it holds the hidden character ${hidden}`]
  if (statements.length > 1) common.push('it holds several statements')
  const acts = statements.map(({ words }) => statementAct(words, common, targetOf(text)))
  const [first, ...rest] = acts
  return first === undefined
    ? [statementAct([], [...common, 'it holds no statement'], targetOf(text))]
    : [first, ...rest]
}

/** The statement on one line. At most 1,024 characters are shown; parameters hold the whole. */
function targetOf(text: string): string {
  const line = text.slice(0, 4096).replaceAll(/\s+/g, ' ').trim().replace(/;$/, '')
  return line.length > 1024 ? `${line.slice(0, 1021)}...` : line
}

function statementAct(words: readonly string[], common: readonly string[], target: string): Act {
  const verb = verbOf(words)
  const capability = VERBS.get(verb.split(' ', 1)[0] ?? '') ?? 'write'
  const doubts = [...common]
  const tail = words.slice(1)
  if (!VERBS.has(verb.split(' ', 1)[0] ?? ''))
    doubts.push(`${excerpt(words[0] ?? '')} is not a statement the catalog knows`)
  if (capability === 'read') doubts.push(...notPlain(tail))
  else if (words[0] === 'WITH' || words[0] === 'EXPLAIN') doubts.push(`${words[0]} holds a write`)
  const operands = [...new Set(tail.filter((word) => word !== '(').map((word) => word.toLowerCase()))]
  const tool = `sql.${
    verb
      .toLowerCase()
      .replaceAll(' ', '_')
      .replaceAll(/[^a-z0-9_]/g, '') || 'statement'
  }`
  return { protocol: 'sql', tool, capability, resource: { ...NO_RESOURCE, target, operands }, doubt: doubtOf(doubts) }
}

/** `SELECT`, `DROP TABLE`; for a statement around another one, the strictest write inside. */
function verbOf(words: readonly string[]): string {
  const first = words[0] ?? ''
  if (first === 'WITH' || (first === 'EXPLAIN' && words.some((word) => /^ANALY[SZ]E$/.test(word)))) {
    return WRITES.find((write) => words.includes(write)) ?? 'SELECT'
  }
  if (first !== 'DROP' && first !== 'CREATE' && first !== 'ALTER') return first
  const object = words.slice(1).find((word) => !MODIFIERS.has(word))
  return object === undefined ? first : `${first} ${object}`
}

function notPlain(words: readonly string[]): string[] {
  const doubts: string[] = []
  for (const [index, word] of words.entries()) {
    if (NOT_PLAIN.has(word.toUpperCase()) || REACHES_OUT.test(word.toUpperCase()))
      doubts.push(`a plain read does not hold ${excerpt(word)}`)
    // `FOR UPDATE` and its kin lock rows.
    else if (word === 'FOR' && /^(?:UPDATE|SHARE|NO|KEY)$/.test(words[index + 1] ?? '')) doubts.push('it locks rows')
    else if (words[index + 1] === '(' && word !== '(' && !SAFE_BEFORE_PARENTHESIS.has(word.toUpperCase())) {
      doubts.push(`the function ${excerpt(word)} is not known to only read`)
    }
  }
  return doubts
}

import { describe, expect, it } from 'vitest'
import { describeUpstreamCall } from '../../../src/core/catalog/index.ts'
import { refusal } from './refusal.ts'

function sql(text: string) {
  return describeUpstreamCall({ upstream: 'db', catalog: 'sql', tool: 'query', parameters: { sql: text } })
}

describe('a plain read', () => {
  it.each([
    ...[
      'SELECT 1',
      'select * from users',
      'SELECT count(*) FROM users WHERE id IN (1, 2);',
      'SHOW tables',
      'EXPLAIN SELECT 1',
    ],
    ...[
      `SELECT 'DROP TABLE x; --' AS text`,
      'SELECT "Name" FROM public."Users" u JOIN t ON (u.id = t.id)',
      `SELECT a->>'b' FROM t`,
    ],
    ...[
      'SELECT a FROM t WHERE b = $1',
      'WITH x AS (SELECT 1) SELECT * FROM x',
      'SELECT lower(a) FROM t ORDER BY b DESC LIMIT 5',
    ],
  ])('%j is one act without doubt', (text) => {
    const { acts } = sql(text)
    expect(acts).toHaveLength(1)
    expect(acts[0]).toMatchObject({ protocol: 'sql', capability: 'read', doubt: null })
  })
})

describe('a statement is named by what it does', () => {
  it.each([
    ['SELECT 1', 'sql.select', 'read'],
    ['insert into t values (1)', 'sql.insert', 'write'],
    ['UPDATE t SET a = 1', 'sql.update', 'write'],
    ['DELETE FROM t', 'sql.delete', 'delete'],
    ['DROP TABLE t', 'sql.drop_table', 'delete'],
    ['drop schema s cascade', 'sql.drop_schema', 'delete'],
    ['TRUNCATE t', 'sql.truncate', 'delete'],
    ['ALTER TABLE t DROP COLUMN a', 'sql.alter_table', 'write'],
    ['CREATE OR REPLACE FUNCTION f() RETURNS int', 'sql.create_function', 'write'],
    ['GRANT ALL ON t TO u', 'sql.grant', 'write'],
    ['WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', 'sql.delete', 'delete'],
    ['EXPLAIN ANALYZE DELETE FROM t', 'sql.delete', 'delete'],
    ['EXPLAIN (ANALYZE) UPDATE t SET a = 1', 'sql.update', 'write'],
    ['COPY t TO PROGRAM $x$sh$x$', 'sql.copy', 'write'],
    ['DO $x$ BEGIN END $x$', 'sql.do', 'write'],
    ['VACUUM', 'sql.vacuum', 'write'],
  ])('%s is %s', (text, tool, capability) => {
    expect(sql(text).acts[0]).toMatchObject({ tool, capability })
  })
})

describe('a string that is a value is no file', () => {
  it.each([
    `SELECT a, 'x' FROM t WHERE b IN ('c', 'd') AND e = 'f'`,
    `SELECT count(*) FROM t JOIN u ON t.a = 'x' GROUP BY b ORDER BY c DESC`,
    `SELECT "Name" FROM (SELECT 'a' AS "Name", 'b') s WHERE "Name" LIKE 'x%' UNION SELECT 'c', 'd' FROM t`,
  ])('%s', (text) => {
    expect(sql(text).acts.map((act) => act.doubt)).toEqual([null])
  })
})

describe('what is not surely a plain read is doubted or named a write', () => {
  it.each([
    ...['SELECT 1; DROP TABLE t', 'SELECT * INTO new FROM t', 'SELECT * FROM t FOR UPDATE', 'EXPLAIN ANALYZE SELECT 1'],
    ...[
      `SELECT pg_read_file('/etc/passwd')`,
      `SELECT lo_export(1, 'x')`,
      `SELECT * FROM dblink('x')`,
      'SELECT pg_terminate_backend(1)',
    ],
    ...[
      `SELECT set_config('a', 'b', false)`,
      `SELECT query_to_xml('x', true, true, '')`,
      'SELECT my_function()',
      'SELECT "pg_read_file"(1)',
    ],
    ...[
      'SELECT 1 -- x',
      'SELECT/**/1',
      '/*!50000 DROP TABLE t */',
      'SELECT 1 # x',
      `SELECT 'a\\'; DROP TABLE t; --'`,
      'DEL/**/ETE FROM t',
    ],
    ...[
      'SELECT $x$ text $x$',
      'SELECT `a` FROM t',
      `SELECT U&"d\\0061t" FROM t`,
      `SELECT 'open`,
      'SELECT "open',
      `SELECT "a\\"; x`,
    ],
    ...[
      'SELECT a INTO OUTFILE "/tmp/x" FROM t',
      "LOAD DATA INFILE 'x' INTO TABLE t",
      "ATTACH 'x' AS y",
      'PRAGMA writable_schema = 1',
    ],
    ...[
      '\\! rm x',
      '\\copy t to x',
      'CALL f()',
      'PREPARE x AS DELETE FROM t',
      'EXECUTE x',
      '',
      '   ',
      ';',
      'SELECT \u200b1',
      'TABLE t',
    ],
    ...[
      `SELECT * FROM '/etc/passwd'`,
      `SELECT * FROM ('x.parquet')`,
      `SELECT * FROM t, 'https://host/x.csv'`,
      `SELECT a IN ('b') FROM t JOIN 's3://b/x' ON true`,
      `SELECT * FROM "/home/u/x.csv"`,
      `SELECT * FROM "x.csv"`,
      `DESCRIBE 'x.csv'`,
    ],
    ...['WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', `SELECT '${'x'.repeat(70_000)}'`],
  ])('%j', (text) => {
    expect(sql(text).acts.some((act) => act.doubt !== null)).toBe(true)
  })
})

describe('statements and operands', () => {
  it('gives every statement its act', () => {
    const { acts, tool } = sql(`SELECT 'a;b'; DROP TABLE t; DELETE FROM u`)
    expect(tool).toBe('sql.script')
    expect(acts.map((act) => act.tool)).toEqual(['sql.select', 'sql.drop_table', 'sql.delete'])
  })

  it('names every table among the operands, whatever the join', () => {
    const { operands, target } = sql('SELECT a FROM Users u,\n  secrets JOIN "Keys" ON true').resource
    expect(operands).toEqual(expect.arrayContaining(['users', 'secrets', 'keys']))
    expect(target).toBe('SELECT a FROM Users u, secrets JOIN "Keys" ON true')
  })

  it('doubts a call without a statement and refuses one whose spellings disagree', () => {
    const call = (parameters: Record<string, string | number>) =>
      describeUpstreamCall({ upstream: 'db', catalog: 'sql', tool: 'query', parameters })
    expect(call({}).acts[0]).toMatchObject({ tool: 'sql.query', capability: 'write', doubt: expect.any(String) })
    expect(call({ query: 'SELECT 1' }).acts[0].tool).toBe('sql.select')
    expect(refusal(() => call({ sql: 'SELECT 1', query: 'DROP TABLE t' })).path).toBe('parameters.query')
    expect(refusal(() => call({ sql: 7 })).path).toBe('parameters.sql')
  })
})

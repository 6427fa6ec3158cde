/** A statement cut into what decides its effect. Quoted names are words too; string contents are dropped. */
export interface SqlStatement {
  /** Keywords and names in order, upper-case where unquoted; operators and numbers are left out, `(` is kept. */
  readonly words: readonly string[]
}

export interface SqlText {
  readonly statements: readonly SqlStatement[]
  /** Why the dialects could read this text differently. */
  readonly doubts: readonly string[]
}

/**
 * Cuts SQL into statements without knowing its dialect. What PostgreSQL, MySQL and SQLite read differently (comments,
 * backslashes in strings, dollar quotes, backticks, unicode escapes) is doubted, never guessed.
 */
export function readSql(text: string): SqlText {
  const doubts = new Set<string>()
  const statements: SqlStatement[] = []
  let words: string[] = []
  let place = inColumns()
  const end = () => {
    if (words.length > 0) statements.push({ words })
    words = []
    place = inColumns()
  }
  TOKEN.lastIndex = 0
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    const [token] = found
    if (namesFile(token, place)) doubts.add('text stands where a table is named, which some databases read as a file')
    place = after(token, place)
    if (token === ';') end()
    else if (token === '(') words.push('(')
    else if (/^[A-Za-z_\u0080-\uffff]/.test(token)) words.push(token.toUpperCase())
    else if (token.length > 1 && token.startsWith('"')) {
      words.push(token.slice(1, -1))
      if (token.includes('\\')) doubts.add('a quoted name holds a backslash, which dialects read differently')
    } else doubtToken(token, doubts)
  }
  end()
  return { statements, doubts: [...doubts] }
}

const TOKEN =
  /'(?:[^']|'')*'?|"(?:[^"]|"")*"|--[^\n]*|\/\*|\*\/|#|`|\$[A-Za-z_]*\$|\\|\[|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d[\w.]*|[;(]|[^\s\w;(]/g

function doubtToken(token: string, doubts: Set<string>): void {
  if (token.startsWith("'")) {
    if (token.includes('\\')) doubts.add('a string holds a backslash, which dialects read differently')
    if (token.length < 2 || !token.endsWith("'")) doubts.add('a string has no end')
  } else if (token.startsWith('--') || token === '/*' || token === '*/' || token === '#') {
    doubts.add('it holds a comment, which dialects read differently')
  } else if (token === '`' || token === '\\' || token === '"' || token === '[' || /^\$.*\$$/.test(token)) {
    doubts.add(`it holds ${JSON.stringify(token)}, which dialects read differently`)
  }
}

/** Where a token stands: behind which clause's word, one for each open parenthesis, and behind which token. */
interface Place {
  readonly clauses: readonly string[]
  readonly before: string
}

const CLAUSE = /^(?:SELECT|FROM|JOIN|ON|USING|WHERE|GROUP|HAVING|ORDER|LIMIT|UNION|EXCEPT|INTERSECT|VALUES|DESCRIBE)$/
const MAX_NESTING = 256

function inColumns(): Place {
  return { clauses: [''], before: '' }
}

function after(token: string, { clauses }: Place): Place {
  const before = token.toUpperCase()
  if (token === '(') return { clauses: [...clauses.slice(-MAX_NESTING), clauses.at(-1) ?? ''], before }
  if (token === ')') return { clauses: clauses.length > 1 ? clauses.slice(0, -1) : clauses, before }
  return CLAUSE.test(before) ? { clauses: [...clauses.slice(0, -1), before], before } : { clauses, before }
}

/** DuckDB and its kin read `FROM '/etc/passwd'` and `FROM "https://host/x.csv"` as the file of that name. */
function namesFile(token: string, { clauses, before }: Place): boolean {
  if (token.startsWith('"')) return /[./\\:*]/.test(token)
  if (!token.startsWith("'")) return false
  return /^(?:FROM|JOIN|DESCRIBE)$/.test(clauses.at(-1) ?? '') && /^(?:FROM|JOIN|DESCRIBE|DESC|[(,])$/.test(before)
}

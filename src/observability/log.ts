import { type Logger, pino } from 'pino'
import type { Clock, Log } from '../core/runtime.ts'
import { rfc3339 } from '../core/runtime.ts'
import { showHidden } from '../core/visible-text.ts'
import { openSink, type SinkTarget } from './sink.ts'

/** Members that may never be logged, at any depth. No type that reaches a log has them: this is the second lock. */
const SECRET_MEMBER =
  /"(token|secret|password|authorization|x-api-key|api_key|apiKey|private_key|privateKey)":"(?:[^"\\]|\\.)*"/gi

/**
 * Texts that look like a secret, wherever they stand in a line: keys of ours, GitHub tokens (classic, fine-grained and the
 * `ghs_<app>_<jwt>` form), JWTs, bearer headers, PEM blocks. Linear in the line, which may quote an upstream; no match ends
 * inside a JSON escape, so a line stays JSON.
 */
const SECRET_TEXT =
  /aegis_(?:agent|viewer|reviewer|admin)_[\w-]{20,}|gh[oprsu]_[\w.-]{16,}|github_pat_\w{20,}|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|[Bb]earer [^\s"\\]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^"\\]|\\.)*/g

export interface LogSettings {
  readonly to: SinkTarget
  readonly clock: Pick<Clock, 'now'>
  /** Lines below this level are not written. */
  readonly level?: 'info' | 'warn' | 'error'
}

/** A log whose last lines are not lost. */
export interface FlushableLog extends Log {
  /** Hands all lines so far to the operating system, now. Never throws. */
  flush(): void
  /** For the last moment of a process: writes what is left and lets the file go. */
  close(): void
}

/**
 * One JSON line per event: `{"level","ts","msg",...fields}`.
 * @throws AegisError `config` where the file cannot be opened.
 */
export function createLog(settings: LogSettings): FlushableLog {
  const sink = openSink(settings.to)
  const logger = pino(
    {
      base: null,
      level: settings.level ?? 'info',
      timestamp: () => `,"ts":"${rfc3339(settings.clock.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorText, err: errorText, cause: errorText },
    },
    { write: (line: string) => sink.write(plain(withoutSecrets(line))) },
  )
  return {
    info: (fields, message) => write(logger, 'info', fields, message),
    warn: (fields, message) => write(logger, 'warn', fields, message),
    error: (fields, message) => write(logger, 'error', fields, message),
    flush: sink.flush,
    close: sink.close,
  }
}

function write(
  logger: Logger,
  level: 'info' | 'warn' | 'error',
  fields: Record<string, unknown>,
  message: string,
): void {
  // The message goes first, as a member, so that a line reads from its left; a field cannot take the place of ours.
  const { level: _level, ts: _ts, msg: _msg, ...rest } = fields
  logger[level]({ msg: message, ...rest })
}

/** Code and message only: an error's other members may hold request headers. */
function errorText(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  return 'code' in value && typeof value.code === 'string' ? `${value.code}: ${value.message}` : value.message
}

/** The line with everything that looks like a secret replaced by `[redacted]`. */
export function withoutSecrets(line: string): string {
  // On the finished line, not by pino's `redact`: its wildcards cost 50 microseconds a line, and see two levels only.
  return line.replace(SECRET_MEMBER, '"$1":"[redacted]"').replace(SECRET_TEXT, '[redacted]')
}

const ASCII_LINE = /^[\x20-\x7e]*\n?$/

/**
 * The line with what a terminal would obey and not show (bidi marks, C1 controls, zero-width characters) as JSON escapes:
 * agents name tools and upstreams word errors, and an operator reads them with `tail`. It parses to the same as before.
 */
function plain(line: string): string {
  return ASCII_LINE.test(line)
    ? line
    : showHidden(line, (character) => (character === '\n' ? character : escaped(character)))
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
  }).join('')
}

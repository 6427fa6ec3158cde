import { homedir } from 'node:os'
import { type Environment, findPlaces, type Places } from '../config/places.ts'

/** What a command sees of the world it was typed in. */
export interface Context {
  readonly env: Environment
  readonly home: string
  readonly cwd: string
  out(text: string): void
  err(text: string): void
}

export function processContext(): Context {
  return {
    env: process.env,
    home: process.env['HOME'] || homedir(),
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  }
}

/** The installation's directories as this environment names them. */
export function placesOf(context: Context): Places {
  return findPlaces(context.env, context.home)
}

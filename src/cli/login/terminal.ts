import { closeSync, openSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { isatty, ReadStream } from 'node:tty'
import { AegisError } from '../../core/errors.ts'

/** The terminal of whoever typed the command: not stdin, which a program can fill, nor anything that is kept anywhere. */
export interface Terminal {
  tell(text: string): void
  /** A line that is not shown. @throws AegisError `invalid_request` where it was broken off */
  secret(prompt: string): Promise<string>
  /** True for y. */
  confirm(prompt: string): Promise<boolean>
  close(): void
}

const DEVICE = '/dev/tty'
const LONGEST = 1024
/** Keys such as the arrows, and the marks around what is pasted (ECMA-48 section 5.4). */
const SEQUENCES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)/g
const [CTRL_C, CTRL_D, CTRL_U, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\u0015', '\b', '\u007f']

/** @throws AegisError `config` where the command has no terminal, as one that a program started */
export function openTerminal(): Terminal {
  const file = openDevice()
  const input = new ReadStream(file)
  const tell = (text: string) => void writeSync(file, text)
  return {
    tell,
    secret: (prompt) => line(input, tell, prompt),
    async confirm(prompt) {
      return /^y(es)?$/i.test((await line(input, tell, prompt, true)).trim())
    },
    close() {
      input.destroy()
    },
  }
}

function openDevice(): number {
  try {
    const file = openSync(DEVICE, 'r+')
    if (isatty(file)) return file
    closeSync(file)
  } catch {
    // As for one that is there and is no terminal.
  }
  throw new AegisError('config', 'there is no terminal to ask for the passphrase on', {
    advice: 'Type the command in a terminal of your own: a passphrase is taken from nowhere else.',
  })
}

/** One line, key by key: the terminal's own line editing would show what is typed. */
function line(input: ReadStream, tell: (text: string) => void, prompt: string, shown = false): Promise<string> {
  const decoder = new StringDecoder('utf8')
  let typed: string[] = []
  // Before the question: what is typed at once would still be shown.
  input.setRawMode(true)
  tell(prompt)
  return new Promise<string>((resolve, reject) => {
    const finish = (end: () => void) => {
      input.off('data', read).off('error', failed).off('end', broken).pause()
      input.setRawMode(false)
      tell('\n')
      end()
    }
    const broken = () => finish(() => reject(new AegisError('invalid_request', 'broken off; nothing was sent')))
    const failed = (error: Error) => finish(() => reject(error))
    const read = (chunk: Buffer) => {
      for (const key of decoder.write(chunk).replace(SEQUENCES, '')) {
        if (key === '\r' || key === '\n') return finish(() => resolve(typed.join('')))
        if (key === CTRL_C || (key === CTRL_D && typed.length === 0)) return broken()
        if (key === CTRL_U) typed = []
        else if (key === BACKSPACE || key === DELETE) typed.pop()
        else if (key >= ' ' && typed.length < LONGEST) {
          typed.push(key)
          if (shown) tell(key)
        }
      }
    }
    input.on('data', read).once('error', failed).once('end', broken).resume()
  })
}

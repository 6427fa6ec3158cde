import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Config } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import type { Log } from '../core/runtime.ts'
import type { EntryDraft } from '../ledger/draft.ts'
import type { Evidence } from './evidence.ts'
import type { EvidenceNews, EvidenceService, ThreadSettings } from './evidence-worker.ts'
import { type Caller, createCaller } from './rpc.ts'

const SCRIPT = new URL('./evidence-worker.js', import.meta.url)

/** The built program has it; sources, as tests load them, cannot run in a thread of their own. */
export function hasEvidenceThread(): boolean {
  return existsSync(SCRIPT)
}

/**
 * The evidence in a thread of its own: hashing, SQLite and signing do not keep the calls waiting, and what is slow there is not
 * slow here. Where the thread dies nothing is recorded any more, so nothing is forwarded.
 * @throws AegisError as `composeEvidence`
 */
export async function startEvidenceThread(
  config: Config,
  gateway: string,
  log: Log,
  script: URL = SCRIPT,
): Promise<Evidence> {
  const settings: ThreadSettings = { config, gateway }
  // What the program itself was started with (`--import ...`) is not for its thread.
  const worker = new Worker(script, { workerData: settings, name: 'evidence', execArgv: [] })
  let told: EvidenceNews = { origin: '', size: 0, closed: null, checkpoint: null, lines: [] }
  const { caller, receive } = createCaller<EvidenceService, EvidenceNews>({
    post: (message) => worker.postMessage(message),
    news(news) {
      told = news
      for (const { level, fields, message } of news.lines) log[level](fields, message)
    },
  })
  worker.on('message', receive)
  let closing = false
  let gone = false
  const ended = (why: string): void => {
    // Its error comes before its end, and tells more.
    if (gone) return
    const error = died(why)
    if (!closing) log.error({ why }, 'the evidence thread has ended: nothing is recorded, nothing is forwarded')
    gone = true
    told = { ...told, closed: error.message }
    caller.fail(error)
  }
  worker.on('error', (error) => ended(error.message))
  worker.on('exit', (code) => ended(`it ended with status ${code}`))
  try {
    await caller.call('open')
  } catch (error) {
    closing = true
    await worker.terminate()
    throw error
  }
  return {
    ...remote(caller, () => told),
    async close() {
      closing = true
      if (!gone) await caller.call('close')
      await worker.terminate()
    },
  }
}

function remote(caller: Caller<EvidenceService>, told: () => EvidenceNews): Omit<Evidence, 'close'> {
  return {
    ledger: {
      get origin() {
        return told().origin
      },
      stats: () => ({ queued: caller.waiting(), size: told().size, closed: told().closed }),
      checkpoint: () => told().checkpoint,
      append: (draft) => caller.call('append', compact(draft)),
      sign: () => caller.call('sign'),
      export: (session, options) => caller.call('export', session, options),
      statement: (session) => caller.call('statement', session),
      verify: (session) => caller.call('verify', session),
      closeSession: (session) => caller.call('closeSession', session),
      erase: (request) => caller.call('erase', request),
      hold: (session, reason) => caller.call('hold', session, reason),
      unhold: (session) => caller.call('unhold', session),
      prune: (request) => caller.call('prune', request),
      credentialEnded: (end) => caller.call('credentialEnded', end),
      policyChanged: (change) => caller.call('policyChanged', change),
    },
    anchorStatus: () => caller.call('anchorStatus'),
    anchorLag: () => caller.call('anchorLag'),
    scrubbed: () => caller.call('scrubbed'),
    sessionReport: (session) => caller.call('sessionReport', session),
    rotateLogKey: () => caller.call('rotateLogKey'),
  }
}

/** A view of bytes is cloned with all of the memory behind it: for 32 bytes of salt that are thousands of others. */
function compact(draft: EntryDraft): EntryDraft {
  // Not `slice`: that of a Buffer is another view of the same memory.
  const commitments = draft.commitments.map((one) => ({ ...one, salt: Uint8Array.from(one.salt) }))
  return { ...draft, commitments }
}

function died(why: string): AegisError {
  return new AegisError(
    'evidence_unavailable',
    `evidence cannot be recorded: the thread that writes it is gone (${why})`,
    {
      advice: 'Restart Aegis: it recovers what was written. Look into its log for what came before.',
    },
  )
}

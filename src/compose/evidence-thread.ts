import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { AegisError } from '../core/errors.ts'
import type { Log } from '../core/runtime.ts'
import type { EntryDraft } from '../ledger/draft.ts'
import type { Evidence } from './evidence.ts'
import type { EvidenceNews, EvidenceService, ThreadSettings } from './evidence-worker.ts'
import type { Caller } from './rpc.ts'
import { openServiceThread } from './service-thread.ts'

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
  let told: EvidenceNews = { origin: '', size: 0, closed: null, checkpoint: null, lines: [] }
  const { caller, close } = await openServiceThread<EvidenceService, EvidenceNews>({
    ...{ script, settings, name: 'evidence' },
    open: (service) => service.call('open'),
    close: (service) => service.call('close'),
    news(news) {
      told = news
      for (const { level, fields, message } of news.lines) log[level](fields, message)
    },
    ended(why, wanted) {
      if (!wanted) log.error({ why }, 'the evidence thread has ended: nothing is recorded, nothing is forwarded')
      const error = died(why)
      told = { ...told, closed: error.message }
      return error
    },
  })
  return { ...remote(caller, () => told), close }
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

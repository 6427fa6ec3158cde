import { AegisError } from '../../core/errors.ts'
import type { ClientChannel } from '../../gateway/ports.ts'
import { type Conversation, untilAborted } from './conversation.ts'
import type { Era, Eras } from './eras.ts'
import { cancelled, hasAnswered, type Place, unreachable } from './failures.ts'

export interface EraParts {
  readonly place: Place
  readonly channel: ClientChannel
  readonly eras: Eras
  open(era: Era): Conversation
}

/** A conversation in the era that its upstream turns out to speak. */
export function createEraConversation({ place, channel, eras, open }: EraParts): Conversation {
  const life = new AbortController()
  let choosing: Promise<Conversation> | null = null
  let chosen: Conversation | null = null
  let stateless = false

  /** Tries one era, then the other where something answered that does not speak it. */
  const choose = async (): Promise<Conversation> => {
    let refused: { readonly era: Era; readonly error: unknown } | null = null
    for (const era of eras.order(channel)) {
      const conversation = open(era)
      // Stateless: there is nothing to agree on with who spoke it before.
      stateless = era === 'modern'
      if (stateless && eras.sure(era)) return conversation
      try {
        await conversation.initialize(life.signal)
        eras.spoke(era, refused?.era ?? null)
        return conversation
      } catch (error) {
        void conversation.close()
        if (!hasAnswered(error)) throw error
        // What is said of the handshake is what its operator knows to look for.
        if (refused === null || era === 'legacy') refused = { era, error }
      }
    }
    throw refused?.error ?? unreachable(place, 'no era is left to try', false)
  }

  const ready = async (signal: AbortSignal): Promise<Conversation> => {
    if (chosen !== null) return chosen
    if (life.signal.aborted) throw unreachable(place, 'the conversation has ended', false)
    if (choosing === null) {
      const started = choose()
      choosing = started
      started.then(
        (conversation) => {
          if (choosing === started) chosen = conversation
          if (life.signal.aborted) void conversation.close()
        },
        () => {
          if (choosing === started) choosing = null
        },
      )
    }
    return untilAborted(choosing, signal, () => cancelled(place, false))
  }

  /** An upstream that does not speak its era any more was replaced: it is asked anew what it speaks. */
  const forget = (conversation: Conversation): void => {
    if (chosen !== conversation) return
    chosen = null
    choosing = null
    eras.doubt()
    void conversation.close()
  }

  const using = async <T>(signal: AbortSignal, use: (conversation: Conversation) => Promise<T>): Promise<T> => {
    const conversation = await ready(signal)
    try {
      return await use(conversation)
    } catch (error) {
      if (!hasAnswered(error)) throw error
      const opening = error instanceof AegisError && error.data?.['sent'] === false
      // An answer to a call that makes no sense ends no session; without sessions nothing is lost by asking anew.
      if (opening || stateless) forget(conversation)
      if (!opening) throw error
    }
    return use(await ready(signal))
  }

  return {
    initialize: (signal) => using(signal, (conversation) => conversation.initialize(signal)),
    ask: (note, context) => using(context.signal, (conversation) => conversation.ask(note, context)),
    async tell(note) {
      const conversation = chosen ?? (await choosing?.catch(() => null)) ?? null
      await conversation?.tell(note)
    },
    async close() {
      life.abort()
      const conversation = chosen ?? (await choosing?.catch(() => null)) ?? null
      await conversation?.close()
    },
  }
}

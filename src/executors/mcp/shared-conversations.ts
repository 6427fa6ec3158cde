import type { ClientChannel } from '../../gateway/ports.ts'
import type { Conversation } from './conversation.ts'
import { eraOf, MODERN_REVISION } from './eras.ts'

/**
 * Clients of the modern era that share one conversation with an upstream of it: "an open connection, such as a STDIO
 * process, is not a conversation" (2026-07-28, "Statelessness"). What a client says of itself is free and may change with
 * each request; a process for each such claim would let one key use up all of them. Keys share nothing with each other.
 */
export interface SharedConversations {
  /** Null where this client shares with nobody. */
  join(channel: ClientChannel): Conversation | null
}

interface Shared {
  readonly conversation: Conversation
  readonly members: Set<Member>
}

interface Member {
  readonly channel: ClientChannel
  running: number
}

/** `open` makes the conversation of a key. */
export function createSharedConversations(open: (carrier: ClientChannel) => Conversation): SharedConversations {
  const byOwner = new Map<string, Shared>()

  const share = (owner: string): Shared => {
    const known = byOwner.get(owner)
    if (known !== undefined) return known
    const members = new Set<Member>()
    const made = { conversation: open(carrierOf(owner, members)), members }
    byOwner.set(owner, made)
    return made
  }

  const leave = async (owner: string, shared: Shared, member: Member): Promise<void> => {
    if (!shared.members.delete(member) || shared.members.size > 0) return
    byOwner.delete(owner)
    await shared.conversation.close()
  }

  return {
    join(channel) {
      const owner = channel.owner?.principal
      if (owner === undefined || eraOf(channel) === 'legacy') return null
      const shared = share(owner)
      const member: Member = { channel, running: 0 }
      shared.members.add(member)
      const { conversation } = shared
      return {
        initialize: (signal) => conversation.initialize(signal),
        async ask(note, context) {
          member.running += 1
          return conversation.ask(note, { ...context, client: channel }).finally(() => {
            member.running -= 1
          })
        },
        tell: (note) => conversation.tell(note),
        close: () => leave(owner, shared, member),
      }
    },
  }
}

function carrierOf(owner: string, members: ReadonlySet<Member>): ClientChannel {
  return {
    key: `shared ${owner}`,
    client: { capabilities: {}, info: {}, protocolVersion: MODERN_REVISION },
    notify(upstream, message) {
      // It belongs to some request and does not say to which: heard where there is only one client at work.
      const [only, ...others] = [...members].filter(({ running }) => running > 0)
      if (only !== undefined && others.length === 0) only.channel.notify(upstream, message)
    },
    request: () => Promise.reject(new Error('upstreams of the modern era ask in their results')),
  }
}

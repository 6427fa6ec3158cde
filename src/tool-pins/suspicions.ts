import { isObject, type Json, type JsonObject } from '../core/json.ts'
import { hiddenInLines, showHidden } from '../core/visible-text.ts'
import type { PinFinding } from './ports.ts'

/** Characters of one definition that are looked at, several times what honest ones have. What is longer is a finding of its own. */
const LOOKED_AT = 16 * 1024
/** A description of more characters than this leaves room to hide something. */
const LONG = 8 * 1024

/**
 * What poisoned tools say to the model (published as tool poisoning, line jumping, shadowing). Bounded repeats only: the text
 * is an upstream's. A hint for people, not a verdict: honest tools say some of this too.
 */
const SAYINGS: readonly (readonly [PinFinding, RegExp])[] = [
  [
    'hidden-markup',
    /<!--|<\/?\s?(?:important|system|secret|hidden|instructions?|prompt|assistant|admin)\b|\[\/?(?:inst|system)\]/,
  ],
  [
    'instructs-the-model',
    /\b(?:ignore|disregard|forget|override|bypass)\b[^.]{0,40}\b(?:previous|prior|above|earlier|other|all|any|system|safety)\b[^.]{0,40}\b(?:instruction|prompt|rule|message|guideline|polic)/,
  ],
  [
    'instructs-the-model',
    /\b(?:do not|don't|never|without)\b[^.]{0,30}\b(?:tell|mention|inform|notify|reveal|show|ask|alert)(?:ing)?\b[^.]{0,30}\b(?:user|human|person|anyone)/,
  ],
  [
    'instructs-the-model',
    /\b(?:before|after|when(?:ever)?) (?:using|calling|invoking|running) (?:this|any|every|all|the|other)\b[^.]{0,60}\b(?:must|always|first|read|call|send|include|pass)\b/,
  ],
  [
    'instructs-the-model',
    /\byou (?:are now|must now|will now|have been granted)\b|\bnew (?:system )?instructions?\b|\b(?:system|hidden) prompt\b/,
  ],
  [
    'asks-for-secrets',
    /~?\/?\.(?:ssh|aws|gnupg|kube|docker|netrc|npmrc|pgpass)\b|\bid_(?:rsa|ed25519|ecdsa)\b|(?:^|[\s"'`/(])\.env\b|\bmcp\.json\b|\bclaude_desktop_config\b|\/etc\/(?:passwd|shadow)\b/,
  ],
  [
    'asks-for-secrets',
    /\b(?:read|include|send|pass|provide|attach|paste|copy|append|forward|reveal|print)\b[^.]{0,60}\b(?:api.?key|password|credential|private key|secret key|access token|session token|seed phrase|conversation history|chat history|environment variables?)/,
  ],
  [
    'sends-data-away',
    /\b(?:send|post|forward|upload|exfiltrate|transmit|bcc|copy|report)\b[^.]{0,80}(?:https?:\/\/|[a-z0-9]@[a-z0-9-]{1,63}\.[a-z]{2})/,
  ],
  ['encoded-text', /(?<![a-z0-9+/_-])[a-z0-9+/_-]{160}/],
  ['pushed-out-of-view', /[ \t]{80}|(?:[ \t]{0,8}\n){15}/],
]

/**
 * What a reader of this definition should be warned of: every text of it counts, names of arguments and defaults included.
 * @param budget characters that may be looked at in all, for the definitions of one list
 */
export function suspicionsOf(tool: JsonObject, budget: Budget = { left: LOOKED_AT }): readonly PinFinding[] {
  const { _meta, icons: _icons, ...shown } = tool
  const texts: string[] = []
  const whole = gather(shown, texts, budget)
  const found = new Set<PinFinding>()
  if (!whole || texts.some((text) => text.length > LONG)) found.add('unusually-long')
  if (texts.some((text) => hiddenInLines(text) !== null)) found.add('hidden-characters')
  // As one text too: a sentence may be spread over the descriptions of several arguments.
  const spoken = plain(texts.join('\n'))
  for (const [finding, saying] of SAYINGS) if (!found.has(finding) && saying.test(spoken)) found.add(finding)
  return [...found]
}

export interface Budget {
  left: number
}

/** All strings in a value, names of members included. False where there are more than are looked at. */
function gather(value: Json, into: string[], budget: Budget): boolean {
  const most = Math.min(LOOKED_AT, budget.left)
  let left = most
  const visit = (each: Json): void => {
    if (left <= 0) return
    if (typeof each === 'string') take(each)
    else if (Array.isArray(each)) for (const item of each) visit(item as Json)
    else if (isObject(each)) {
      for (const [key, item] of Object.entries(each)) {
        take(key)
        visit(item)
      }
    }
  }
  const take = (text: string): void => {
    into.push(text.slice(0, Math.max(0, left)))
    left -= text.length
  }
  visit(value)
  budget.left -= most - Math.max(0, left)
  return left > 0
}

/** As it reads: compatibility forms folded, hidden characters out, so that they cannot break up the words. */
function plain(text: string): string {
  return showHidden(text.normalize('NFKC'), (hidden) =>
    hidden === '\n' || hidden === '\t' ? hidden : '',
  ).toLowerCase()
}

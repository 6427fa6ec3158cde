/** Somebody who spoke, as far as it is known: an entry of the evidence does not tell the owner by itself. */
export interface Speaker {
  readonly principal: string
  readonly name: string
  readonly owner?: string
  /** What they call themselves: in the request, or at their provider. */
  readonly claimed: string | null
}

/** Whether a principal is that of somebody who logged in at a provider, and not of a key. */
export function isLogin(principal: string): boolean {
  return principal.startsWith('oidc:')
}

/**
 * The name that the server answers for. A key's was given by an administrator; a login's name is what a person calls themselves at
 * their provider, so that theirs is the owner: a verified address or subject.
 */
export function answerableName({ principal, name, owner }: Pick<Speaker, 'principal' | 'name' | 'owner'>): string {
  return isLogin(principal) && owner !== undefined && owner !== '' ? owner : name
}

/** `key alice`, `login alice@example.com`: what was shown to us, and no more. */
export function credentialOf(speaker: Pick<Speaker, 'principal' | 'name' | 'owner'>): string {
  return `${isLogin(speaker.principal) ? 'login' : 'key'} ${answerableName(speaker)}`
}

/**
 * A reviewer as others are told of them: by the name of their key or login first, since what somebody calls themselves is anybody's
 * word, and the next of several reviewers must not take it for somebody else's yes. A login is always called one.
 */
export function reviewerName(speaker: Speaker): string {
  const name = isLogin(speaker.principal) ? credentialOf(speaker) : speaker.name
  const said = calledThemselves(speaker)
  return said === null ? name : `${name} (as ${said})`
}

/**
 * What stands in the evidence, for people: `alice (key admin)`, `Alice (login alice@example.com, oidc:…)`. The principal is told too, for
 * entries of earlier versions hold the name that somebody chose at their provider where these hold the owner.
 */
export function recordedReviewer(speaker: Omit<Speaker, 'owner'>): string {
  const { principal, name, claimed } = speaker
  const credential = credentialOf(speaker)
  const known = isLogin(principal) && principal !== name ? `${credential}, ${principal}` : credential
  return `${claimed === null || claimed === '' ? name : claimed} (${known})`
}

/** As they call themselves, for those who only need to know that a person spoke; a login not by that alone, nor by its address. */
export function outwardName({ principal, name, claimed }: Speaker): string {
  if (!isLogin(principal)) return claimed ?? name
  return `login ${claimed ?? principal}`
}

function calledThemselves(speaker: Speaker): string | null {
  const { principal, name, claimed } = speaker
  const shown = answerableName(speaker)
  const said = claimed === null || claimed === '' ? (isLogin(principal) ? name : null) : claimed
  return said === shown ? null : said
}

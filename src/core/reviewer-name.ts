/**
 * A reviewer as others are told of them: by the name of their key or login first, since what somebody calls themselves is anybody's
 * word, and the next of several reviewers must not take it for somebody else's yes.
 */
export function reviewerName(name: string, claimed: string | null): string {
  return claimed === null || claimed === '' || claimed === name ? name : `${name} (as ${claimed})`
}

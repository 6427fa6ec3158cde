const LENGTH = 48

/** A session's label as one part of a branch name, by git-check-ref-format(1): what a ref may not hold becomes a hyphen. */
export function refSafe(label: string): string {
  const safe = label
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .slice(0, LENGTH)
    .replace(/^[-.]+|[-.]+$/g, '')
    .replace(/\.lock$/i, '-lock')
  return safe === '' ? 'session' : safe
}

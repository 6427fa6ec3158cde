/** The address without what must not be shown: user, password, parameters (a password may be among them). */
export function shownUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname}`
  } catch {
    return 'postgres://…'
  }
}

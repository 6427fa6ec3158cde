import { type DashboardParts, dashboard } from '../admin/dashboard/index.ts'
import type { AdminWing } from '../admin/rest.ts'
import type { Config } from '../config.ts'

/** The pages for people. */
export function composeDashboard(
  config: Pick<Config, 'credentials'>,
  parts: Omit<DashboardParts, 'githubWeb'>,
): AdminWing {
  return dashboard({ ...parts, githubWeb: githubWeb(config) })
}

/** Where GitHub's pages are, by where its API is: an Enterprise server has both under one name. */
function githubWeb({ credentials }: Pick<Config, 'credentials'>): string {
  const urls = Object.values(credentials).flatMap((one) => ('apiUrl' in one && one.apiUrl ? [one.apiUrl] : []))
  const [api] = urls
  if (api === undefined || new URL(api).hostname === 'api.github.com') return 'https://github.com'
  return new URL(api).origin
}

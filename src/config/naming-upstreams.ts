import type { CatalogName } from '../core/catalog/catalog.ts'

/**
 * Upstreams whose tools bear their name: `<upstream>.<tool>`. The tools of one with a catalog bear the catalog's, so that a
 * rule by the upstream's would never match.
 */
export function namingUpstreams(upstreams: Readonly<Record<string, { readonly catalog: CatalogName }>>): string[] {
  return Object.entries(upstreams).flatMap(([name, { catalog }]) => (catalog === 'none' ? [name] : []))
}

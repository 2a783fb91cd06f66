/**
 * What no schema can see of `plugins.web-portal.redirects`: hosts that are not ours, and redirects in a circle.
 */
import { createRealmLookup } from '../core/hosts.ts'
import { type Redirect, redirectMistakes } from '../core/redirects.ts'
import type { Checked, Config } from './config-schema.ts'
import { isMapping } from './mistakes.ts'

export function checkRedirects({ plugins, realms, systems, defaultRealm, listen }: Checked): string[] {
  const portal = plugins['web-portal']
  const redirects = (isMapping(portal) ? (portal.redirects ?? []) : []) as readonly Redirect[]
  const { source, target } = systems
  const placeOf = createRealmLookup(realms as Config['realms'], { source: source.release, target: target.release })
  // Where a listener or the config names a realm for whoever comes, any host is answered.
  const answersAll = defaultRealm !== undefined || listen.some(({ realm }) => realm !== undefined)
  return redirectMistakes(redirects, (host) => answersAll || placeOf(host) !== undefined).map(
    (line) => `plugins.web-portal.redirects${line}`
  )
}

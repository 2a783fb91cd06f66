/**
 * Hosts that are given up: their pages are another host's from now on (docs/portals.md). Where a page goes is the config's
 * word alone; of the client's there is but the path and the query behind it.
 */
import { hostName } from './hosts.ts'
import type { Target } from './route.ts'

export const redirectStatuses = [301, 302, 307, 308] as const

export interface Redirect {
  readonly host: string
  /** An http(s) origin. */
  readonly to: string
  /** 302 when absent: browsers forget it, so that it can be taken back. */
  readonly status?: (typeof redirectStatuses)[number]
}

export interface Redirected {
  readonly status: number
  readonly location: string
}

/** Tells where a request goes instead; null for what stays: calls, and pages of every other host. */
export function createRedirects(redirects: readonly Redirect[]) {
  const byName = new Map(
    redirects.map(({ host, to, status = 302 }) => [hostName(host), { origin: new URL(to).origin, status }])
  )
  return function redirectOf(host: string, { route, url }: Pick<Target, 'route' | 'url'>): Redirected | null {
    if (byName.size === 0 || route.wire !== 'page') return null
    const redirect = byName.get(hostName(host))
    return redirect === undefined ? null : { status: redirect.status, location: redirect.origin + url }
  }
}

/** What is wrong with each, in words behind its place in the list; `isAnswered` tells whether a host is one of ours at all. */
export function redirectMistakes(redirects: readonly Redirect[], isAnswered: (host: string) => boolean): string[] {
  const next = new Map(redirects.map(({ host, to }) => [hostName(host), hostName(new URL(to).host)]))

  /** Whether following the redirects from a host leads back to it. */
  function returns(name: string): boolean {
    let at = next.get(name)
    for (let steps = 0; at !== undefined && at !== name && steps < next.size; steps++) at = next.get(at)
    return at === name
  }

  return redirects.flatMap(({ host }, at) => {
    const name = hostName(host)
    const lines: string[] = []
    if (!isAnswered(name)) lines.push(`[${at}].host: ${host} is no host of a realm, and nothing else answers it`)
    if (redirects.findIndex((other) => hostName(other.host) === name) < at)
      lines.push(`[${at}].host: ${host} is redirected already`)
    else if (returns(name)) lines.push(`[${at}].to: leads back to ${host}`)
    return lines
  })
}

/**
 * Host to realm, and the versioned hosts that pin a system (contract section 3).
 */
import { type RealmName, realmNames, type System, systemNames } from './words.ts'

export interface Place {
  readonly realm: RealmName
  /** The system to which a versioned host pins everything; null on an ordinary host. */
  readonly pinned: System | null
}

/** The hosts that each realm answers; `*.example.com` stands for any name below example.com. */
export type RealmHosts = Partial<Record<RealmName, { readonly hosts: readonly string[] }>>

/** 'MR100' -> '100': the number of a release as it stands in versioned hosts. Empty when there is none. */
export const releaseNumber = (release: string): string => /\d+/.exec(release)?.[0] ?? ''

/** The first label that is not `www`: where a versioned host has its number. */
const namingLabel = (labels: readonly string[]) => labels.findIndex((label) => label !== 'www')

/** `www.customer.billing.com` and 'MR100' -> `www.100-customer.billing.com`. */
export function versionedHost(host: string, release: string): string {
  const labels = host.split('.')
  const first = Math.max(namingLabel(labels), 0)
  return labels.with(first, `${releaseNumber(release)}-${labels[first]}`).join('.')
}

/** A Host header's name: lower case, without the port and the root's dot. */
export function hostName(host: string): string {
  const port = host.lastIndexOf(':')
  const name = port > host.lastIndexOf(']') && port !== -1 ? host.slice(0, port) : host
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

/** Distinct Host headers whose place is kept ready; a client that invents hosts cannot make it grow. */
const keptHosts = 1000

/** Two releases of one number have no versioned hosts: the number would not tell them apart. */
function versionsOf(releases: Readonly<Record<System, string>>): readonly (readonly [System, string])[] {
  const numbers = systemNames.map((system) => [system, releaseNumber(releases[system])] as const)
  return numbers[0]?.[1] === numbers[1]?.[1] ? [] : numbers.filter(([, number]) => number !== '')
}

/** The hosts that are named in full, with their versioned hosts; a host of its own wins over a versioned one. */
export function namedPlaces(
  realms: RealmHosts,
  releases: Readonly<Record<System, string>>
): ReadonlyMap<string, Place> {
  const versions = versionsOf(releases)
  const exact = new Map<string, Place>()
  const versioned = new Map<string, Place>()
  for (const realm of realmNames) {
    for (const host of realms[realm]?.hosts ?? []) {
      const name = hostName(host)
      if (name.startsWith('*.')) continue
      exact.set(name, { realm, pinned: null })
      for (const [system] of versions) versioned.set(versionedHost(name, releases[system]), { realm, pinned: system })
    }
  }
  return new Map([...versioned, ...exact])
}

/** Looks hosts up; undefined for a host that no realm answers. A whole name wins over a wildcard, a longer one over a shorter. */
export function createRealmLookup(realms: RealmHosts, releases: Readonly<Record<System, string>>) {
  const versions = versionsOf(releases)
  const named = namedPlaces(realms, releases)
  const wildcards = realmNames
    .flatMap((realm) => (realms[realm]?.hosts ?? []).map((host) => ({ suffix: hostName(host).slice(1), host, realm })))
    .filter(({ host }) => host.startsWith('*.'))
    .sort((a, b) => b.suffix.length - a.suffix.length)

  function underWildcard(name: string): Place | undefined {
    const realm = wildcards.find(({ suffix }) => name.endsWith(suffix))?.realm
    if (realm === undefined) return undefined
    const labels = name.split('.')
    const label = labels[namingLabel(labels)] ?? ''
    return { realm, pinned: versions.find(([, number]) => label.startsWith(`${number}-`))?.[0] ?? null }
  }

  const kept = new Map<string, Place | undefined>()
  return function placeOf(host: string): Place | undefined {
    if (kept.has(host)) return kept.get(host)
    const name = hostName(host)
    const place = named.get(name) ?? underWildcard(name)
    if (kept.size < keptHosts) kept.set(host, place)
    return place
  }
}

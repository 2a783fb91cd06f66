/**
 * What names a host, in the words of the other side (contract section 7; RFC 9110 section 10.2.2, RFC 6265 section 5.2.3,
 * RFC 6454 section 7): in answers a system's own host becomes the gateway's, in requests the gateway's becomes the system's
 * own. All else of such a value stays byte for byte.
 */
import { hostName, type Place } from './hosts.ts'
import type { RealmName, System } from './words.ts'

/** How a system's own host is told in public. */
export interface HostMapping {
  /** `https://10.0.0.2:8444`: where the gateway reaches the system. */
  readonly origin: string
  /** `https://www.customer.billing.com`: where the client reaches the gateway. */
  readonly publicOrigin: string
  /** The request's own Origin, where the system was told another one for it. */
  readonly asked?: { readonly byClient: string; readonly toSystem: string }
  /** Cookies that are not for this client: session cookies of the half that the gateway keeps to itself. */
  readonly keptCookies?: ReadonlySet<string>
}

/** `Location` on the system's own host, absolute or without a scheme, is moved to the gateway's; any other stays. */
export function publicLocation(location: string, { origin, publicOrigin }: HostMapping): string {
  if (!/^(?:https?:)?\/\//i.test(location)) return location
  const system = new URL(origin)
  let parsed: URL
  try {
    parsed = new URL(location, origin)
  } catch {
    return location
  }
  if (parsed.host !== system.host && !isDefaultPortOf(parsed, system)) return location
  const afterAuthority = /^(?:https?:)?\/\/[^/?#]*/i.exec(location)?.[0].length ?? 0
  return publicOrigin + location.slice(afterAuthority)
}

/** The other scheme's default port on the same host: `http://host/` of a system behind `https://host`. */
const isDefaultPortOf = (url: URL, system: URL) =>
  url.hostname === system.hostname && url.port === '' && system.port === ''

/** Seconds, a separator, and `url=` with or without quotes, as browsers read it (HTML, "shared declarative refresh steps"). */
const refreshForm = /^([\d.\s]*(?:[;,]\s*|\s)(?:url\s*=\s*)?)(?:(["'])(.*?)(\2.*)?|([^"'].*))$/is

/** `Refresh: 5; url=https://10.0.0.2/login`: its URL as a Location. */
export function publicRefresh(refresh: string, mapping: HostMapping): string {
  const [, before, quote = '', quoted, after = '', bare] = refreshForm.exec(refresh) ?? []
  if (before === undefined) return refresh
  return before + quote + publicLocation(quoted ?? bare ?? '', mapping) + after
}

/** The origin that may read the answer: the client's own as it wrote it, where the system allows what it was told for it. */
export function publicAllowOrigin(allowed: string, mapping: HostMapping): string {
  const { asked } = mapping
  return asked !== undefined && allowed === asked.toSystem ? asked.byClient : publicLocation(allowed, mapping)
}

export function publicCookies(value: string | readonly string[], mapping: HostMapping): string[] {
  const { keptCookies } = mapping
  const cookies = typeof value === 'string' ? [value] : value
  const passing = keptCookies === undefined ? cookies : cookies.filter((cookie) => !keptCookies.has(cookieName(cookie)))
  return passing.map((cookie) => publicCookie(cookie, mapping))
}

export const cookieName = (cookie: string) => cookie.slice(0, Math.max(cookie.indexOf('='), 0)).trim()

/**
 * A `Domain` that covers the system's host but not the gateway's would make the browser refuse the cookie: it goes, and
 * the cookie becomes the gateway's own. Any other Domain stays.
 */
export function publicCookie(cookie: string, { origin, publicOrigin }: HostMapping): string {
  if (!/;\s*domain\s*=/i.test(cookie)) return cookie
  const [pair = '', ...attributes] = cookie.split(';')
  const kept = attributes.filter((attribute) => {
    const domain = /^\s*domain\s*=\s*\.?(.*?)\s*$/i.exec(attribute)?.[1]?.toLowerCase()
    if (domain === undefined) return true
    const covers = (url: string) => {
      const name = hostName(new URL(url).host)
      return name === domain || name.endsWith(`.${domain}`)
    }
    return !covers(origin) || covers(publicOrigin)
  })
  return [pair, ...kept].join(';')
}

/** A request as far as it tells which page it may come from. */
export interface AskedAt {
  readonly protocol: string
  readonly host: string
  readonly place: Place
}

/** What is known of the gateway's other hosts and of the system that is asked. */
export interface OwnPages {
  readonly to: System
  /** Whose host this is, by its name; hosts that only a wildcard covers may be somebody else's. */
  placeOf(name: string): Place | undefined
  /** Where the system serves a realm. */
  originOf(realm: RealmName): string
}

/** Scheme and authority of an absolute URL that names nobody before its host. */
const ownForm = /^(https?):\/\/([^/?#@\\\s]+)(?=[/?#]|$)/i

/** The port that an authority names, or its scheme's own. */
function portOf(authority: string, scheme: string): string {
  const port = /:(\d*)$/.exec(authority)?.[1] ?? ''
  return port === '' ? (scheme === 'https' ? '443' : '80') : port
}

/**
 * `Origin` or `Referer` of a page that the gateway serves, as the system knows that page: by its own origin. So its check
 * against forged requests accepts its own pages, and nobody else's: another site stays what it is, as do `null`, another
 * scheme or port, and a page that only the other system has.
 */
export function systemName(value: string, { protocol, host, place }: AskedAt, pages: OwnPages): string {
  const [authority, scheme = '', named = ''] = ownForm.exec(value) ?? []
  if (authority === undefined || scheme.toLowerCase() !== protocol) return value
  if (portOf(named, protocol) !== portOf(host, protocol)) return value
  const name = hostName(named)
  const page = name === hostName(host) ? place : pages.placeOf(name)
  if (page === undefined || (page.pinned !== null && page.pinned !== pages.to)) return value
  return pages.originOf(page.realm) + value.slice(authority.length)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { responseHeaders } from '../../core/headers.ts'
import type { Place } from '../../core/hosts.ts'
import { namedPlaces } from '../../core/hosts.ts'
import { publicAllowOrigin, publicCookie, publicLocation, publicRefresh, systemName } from '../../core/public-names.ts'
import type { System } from '../../core/words.ts'

const gateway = 'https://www.customer.billing.com'
const system = 'https://10.0.0.2:8444'
const plainSystem = 'https://sys.example'

/** the system's origin, the gateway's, Location, what the client gets */
const locations = [
  [system, gateway, '/login?next=/a', '/login?next=/a'],
  [system, gateway, 'login', 'login'],
  [system, gateway, '../x', '../x'],
  [system, gateway, '?a=1', '?a=1'],
  [system, gateway, '#top', '#top'],
  [system, gateway, '', ''],
  [system, gateway, 'https://10.0.0.2:8444/a/b?c=d#e', `${gateway}/a/b?c=d#e`],
  [system, gateway, 'https://10.0.0.2:8444', gateway],
  [system, gateway, 'https://10.0.0.2:8444?a=1', `${gateway}?a=1`],
  [system, gateway, 'https://10.0.0.2:8444#x', `${gateway}#x`],
  [system, gateway, 'HTTPS://10.0.0.2:8444/a', `${gateway}/a`],
  [system, gateway, '//10.0.0.2:8444/a', `${gateway}/a`],
  [system, gateway, 'http://10.0.0.2:8444/a', `${gateway}/a`],
  [system, gateway, 'https://10.0.0.2:8444/a?to=https://10.0.0.2:8444/b', `${gateway}/a?to=https://10.0.0.2:8444/b`],
  [system, gateway, 'https://10.0.0.2:8444/%7B%22a%22/..%2F', `${gateway}/%7B%22a%22/..%2F`],
  [system, gateway, 'https://elsewhere.example/a', 'https://elsewhere.example/a'],
  [system, gateway, '//elsewhere.example/a', '//elsewhere.example/a'],
  [
    system,
    gateway,
    'https://elsewhere.example/?x=https://10.0.0.2:8444/',
    'https://elsewhere.example/?x=https://10.0.0.2:8444/'
  ],
  [system, gateway, 'https://10.0.0.2:8444@evil.example/a', 'https://10.0.0.2:8444@evil.example/a'],
  [system, gateway, 'https://10.0.0.2:8444.evil.example/a', 'https://10.0.0.2:8444.evil.example/a'],
  [system, gateway, 'https://10.0.0.20:8444/a', 'https://10.0.0.20:8444/a'],
  [system, gateway, 'mailto:help@10.0.0.2', 'mailto:help@10.0.0.2'],
  [system, gateway, 'pb-app://10.0.0.2:8444/a', 'pb-app://10.0.0.2:8444/a'],
  [system, gateway, 'https://', 'https://'],
  [system, gateway, 'https://[bad/', 'https://[bad/'],
  // Default ports, written and not, of either scheme.
  [plainSystem, gateway, 'https://sys.example/a', `${gateway}/a`],
  [plainSystem, gateway, 'https://sys.example:443/a', `${gateway}/a`],
  [plainSystem, gateway, 'http://sys.example/a', `${gateway}/a`],
  [plainSystem, gateway, 'http://sys.example:80/a', `${gateway}/a`],
  [plainSystem, gateway, 'https://SYS.Example/a', `${gateway}/a`],
  [plainSystem, gateway, 'https://www.sys.example/a', 'https://www.sys.example/a'],
  ['https://sys.example:443', gateway, 'https://sys.example/a', `${gateway}/a`],
  ['http://sys.example', 'http://gw.example:8080', 'http://sys.example/a', 'http://gw.example:8080/a'],
  ['http://sys.example', gateway, 'https://sys.example/a', `${gateway}/a`],
  ['https://[2001:db8::1]:8444', gateway, 'https://[2001:DB8::1]:8444/a', `${gateway}/a`]
] as const

for (const [origin, publicOrigin, location, expected] of locations) {
  test(`Location "${location}" of ${origin} is "${expected}"`, () => {
    assert.equal(publicLocation(location, { origin, publicOrigin }), expected)
    assert.deepEqual(responseHeaders({ location }, { origin, publicOrigin }), ['location', expected])
  })
}

test('each of two Locations is told in public', () => {
  const mapping = { origin: 'https://sys.example', publicOrigin: gateway }
  const given = { location: ['https://sys.example/a', '/b'] }
  assert.deepEqual(responseHeaders(given, mapping), ['location', [`${gateway}/a`, '/b']])
})

/** the system's origin, the gateway's, Set-Cookie, what the client gets */
const cookies = [
  [system, gateway, 'a=b', 'a=b'],
  [
    system,
    gateway,
    'a=b; Path=/; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'a=b; Path=/; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  ],
  [system, gateway, 'a="x=y";Path=/x', 'a="x=y";Path=/x'],
  [system, gateway, 'domain=10.0.0.2; Path=/', 'domain=10.0.0.2; Path=/'],
  [system, gateway, 'a=b; Path=/domain=10.0.0.2', 'a=b; Path=/domain=10.0.0.2'],
  [system, gateway, 'a=b; Domain=10.0.0.2; Path=/', 'a=b; Path=/'],
  [system, gateway, 'a=b;domain=10.0.0.2', 'a=b'],
  [system, gateway, 'a=b; Path=/; DOMAIN = .10.0.0.2 ; Secure', 'a=b; Path=/; Secure'],
  ['https://sys.example:8444', gateway, 'a=b; Domain=sys.example', 'a=b'],
  ['https://sys.example', gateway, 'a=b; Domain=.Sys.Example; Secure', 'a=b; Secure'],
  // A parent of the system alone goes; one of both stays, the browser takes it.
  ['https://web.sys.example', gateway, 'a=b; Domain=sys.example', 'a=b'],
  ['https://web.sys.example', gateway, 'a=b; Domain=example', 'a=b'],
  ['https://sys.billing.com', gateway, 'a=b; Domain=billing.com; Path=/', 'a=b; Domain=billing.com; Path=/'],
  ['https://sys.billing.com', gateway, 'a=b; Domain=.BILLING.com', 'a=b; Domain=.BILLING.com'],
  ['https://sys.billing.com', 'https://billing.com:8444', 'a=b; Domain=billing.com', 'a=b; Domain=billing.com'],
  // Others stay as they are: the gateway knows nothing of them.
  ['https://sys.example', gateway, 'a=b; Domain=other.example', 'a=b; Domain=other.example'],
  ['https://sys.example', gateway, 'a=b; Domain=ys.example', 'a=b; Domain=ys.example'],
  ['https://sys.example', gateway, 'a=b; Domain=www.sys.example', 'a=b; Domain=www.sys.example'],
  ['https://sys.example', gateway, 'a=b; Domain=customer.billing.com', 'a=b; Domain=customer.billing.com'],
  ['https://sys.example', gateway, 'a=b; Domain=', 'a=b; Domain='],
  ['https://sys.example', gateway, 'a=b; Domain', 'a=b; Domain'],
  // Two Domains: each for itself.
  ['https://sys.example', gateway, 'a=b; Domain=sys.example; Domain=billing.com', 'a=b; Domain=billing.com']
] as const

for (const [origin, publicOrigin, cookie, expected] of cookies) {
  test(`Set-Cookie "${cookie}" of ${origin} is "${expected}"`, () => {
    assert.equal(publicCookie(cookie, { origin, publicOrigin }), expected)
    const headers = { 'set-cookie': [cookie, 'x=y'] }
    assert.deepEqual(responseHeaders(headers, { origin, publicOrigin }), ['set-cookie', [expected, 'x=y']])
  })
}

/** Refresh, what the client gets */
const refreshes = [
  ['5', '5'],
  ['0; url=/login', '0; url=/login'],
  ['5; url=https://10.0.0.2:8444/x?a=b#c', `5; url=${gateway}/x?a=b#c`],
  ['5;URL=https://10.0.0.2:8444/x', `5;URL=${gateway}/x`],
  ['5, Url = https://10.0.0.2:8444/x', `5, Url = ${gateway}/x`],
  ['0.5;url="https://10.0.0.2:8444/x"', `0.5;url="${gateway}/x"`],
  ["5; url='https://10.0.0.2:8444'", `5; url='${gateway}'`],
  [`5; url='https://10.0.0.2:8444/a"b' c`, `5; url='${gateway}/a"b' c`],
  ['5; url="https://10.0.0.2:8444/never closed', `5; url="${gateway}/never closed`],
  ['5; https://10.0.0.2:8444/x', `5; ${gateway}/x`],
  ['5 https://10.0.0.2:8444/x', `5 ${gateway}/x`],
  ['5; url=//10.0.0.2:8444/x', `5; url=${gateway}/x`],
  ['5; url=http://10.0.0.2:8444/x', `5; url=${gateway}/x`],
  [
    '5; url=https://elsewhere.example/?u=https://10.0.0.2:8444/',
    '5; url=https://elsewhere.example/?u=https://10.0.0.2:8444/'
  ],
  ['5; url=https://10.0.0.2:8444@evil.example/', '5; url=https://10.0.0.2:8444@evil.example/'],
  ['', ''],
  ['now', 'now']
] as const

for (const [refresh, expected] of refreshes) {
  test(`Refresh "${refresh}" is "${expected}"`, () => {
    assert.equal(publicRefresh(refresh, { origin: system, publicOrigin: gateway }), expected)
    const headers = responseHeaders({ refresh }, { origin: system, publicOrigin: gateway })
    assert.deepEqual(headers, ['refresh', expected])
  })
}

/** what the client sent as Origin, what the system was told, Access-Control-Allow-Origin, what the client gets */
const allowed = [
  [gateway, system, system, gateway],
  ['https://WWW.customer.billing.com', system, system, 'https://WWW.customer.billing.com'],
  ['https://mybilling.billing.com', 'https://10.0.0.2', 'https://10.0.0.2', 'https://mybilling.billing.com'],
  [undefined, undefined, system, gateway],
  ['https://portal.example', undefined, 'https://portal.example', 'https://portal.example'],
  ['https://portal.example', undefined, '*', '*'],
  ['null', undefined, 'null', 'null']
] as const

for (const [byClient, toSystem, value, expected] of allowed) {
  test(`Access-Control-Allow-Origin "${value}" for Origin "${byClient}" is "${expected}"`, () => {
    const asked = byClient !== undefined && toSystem !== undefined ? { byClient, toSystem } : undefined
    const mapping = { origin: system, publicOrigin: gateway, ...(asked !== undefined && { asked }) }
    assert.equal(publicAllowOrigin(value, mapping), expected)
    const cors = {
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': system,
      'access-control-expose-headers': 'X-A',
      'access-control-max-age': '600',
      vary: 'Origin',
      'timing-allow-origin': system
    }
    const headers = responseHeaders({ 'access-control-allow-origin': value, ...cors }, mapping)
    assert.deepEqual(headers, ['access-control-allow-origin', expected, ...Object.entries(cors).flat()])
  })
}

test('Content-Location is told in public, as a Location is', () => {
  const given = { 'content-location': `${system}/static/app.js` }
  const told = responseHeaders(given, { origin: system, publicOrigin: gateway })
  assert.deepEqual(told, ['content-location', `${gateway}/static/app.js`])
})

const own = namedPlaces(
  { customer: { hosts: ['www.customer.billing.com', '*.shop.example'] }, admin: { hosts: ['mybilling.billing.com'] } },
  { source: 'MR100', target: 'MR115' }
)
const plain: Place = { realm: 'customer', pinned: null }
const atSource: Place = { realm: 'customer', pinned: 'source' }
const origins = { customer: 'https://10.0.0.2:8444', admin: 'https://10.0.0.2' }

/** Origin or Referer, the Host that was asked, its place, the system, what the system reads; null is: as it is */
const pages: readonly (readonly [string, string, Place, System, string | null])[] = [
  ['https://www.customer.billing.com', 'www.customer.billing.com', plain, 'source', origins.customer],
  ['https://www.customer.billing.com', 'www.customer.billing.com:443', plain, 'target', origins.customer],
  ['https://www.customer.billing.com:443', 'www.customer.billing.com', plain, 'source', origins.customer],
  ['HTTPS://WWW.Customer.billing.com', 'www.CUSTOMER.billing.com', plain, 'source', origins.customer],
  ['https://www.customer.billing.com.', 'www.customer.billing.com', plain, 'source', origins.customer],
  ['https://www.customer.billing.com:8444', 'www.customer.billing.com:8444', plain, 'source', origins.customer],
  // A host of a fixed listener, which no realm names.
  ['https://10.1.1.1:8444', '10.1.1.1:8444', plain, 'source', origins.customer],
  ['https://[2001:db8::1]:8444/x', '[2001:DB8::1]:8444', plain, 'source', `${origins.customer}/x`],
  // Path and query stay byte for byte.
  ['https://www.customer.billing.com/', 'www.customer.billing.com', plain, 'source', `${origins.customer}/`],
  [
    'https://www.customer.billing.com/a/../b%20c?u=https://www.customer.billing.com/#%7b',
    'www.customer.billing.com',
    plain,
    'source',
    `${origins.customer}/a/../b%20c?u=https://www.customer.billing.com/#%7b`
  ],
  // Pages of the gateway's other hosts.
  ['https://www.customer.billing.com/x', 'www.100-customer.billing.com', atSource, 'source', `${origins.customer}/x`],
  ['https://www.100-customer.billing.com/x', 'www.customer.billing.com', plain, 'source', `${origins.customer}/x`],
  ['https://www.100-customer.billing.com/x', 'www.customer.billing.com', plain, 'target', null],
  ['https://www.115-customer.billing.com', 'www.100-customer.billing.com', atSource, 'source', null],
  ['https://mybilling.billing.com/x', 'www.customer.billing.com', plain, 'source', `${origins.admin}/x`],
  // Another site, or what only looks like one of ours.
  ['https://portal.example', 'www.customer.billing.com', plain, 'source', null],
  ['null', 'www.customer.billing.com', plain, 'source', null],
  ['', 'www.customer.billing.com', plain, 'source', null],
  ['http://www.customer.billing.com', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com:8444', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com.evil.example', 'www.customer.billing.com', plain, 'source', null],
  ['https://evil.www.customer.billing.com', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com@evil.example/', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com:443@evil.example/', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com\\@evil.example/', 'www.customer.billing.com', plain, 'source', null],
  ['https://evil.example/?https://www.customer.billing.com', 'www.customer.billing.com', plain, 'source', null],
  ['https://www.customer.billing.com evil', 'www.customer.billing.com', plain, 'source', null],
  ['//www.customer.billing.com/', 'www.customer.billing.com', plain, 'source', null],
  ['pb-app://www.customer.billing.com', 'www.customer.billing.com', plain, 'source', null],
  // Whoever has a name below a wildcard may be somebody else.
  ['https://evil.shop.example', 'www.customer.billing.com', plain, 'source', null],
  ['https://evil.shop.example', 'good.shop.example', plain, 'source', null],
  ['https://good.shop.example', 'good.shop.example', plain, 'source', origins.customer]
]

for (const [value, host, place, to, expected] of pages) {
  test(`"${value}" at ${host}: the ${to} reads "${expected ?? 'the same'}"`, () => {
    const known = {
      to,
      placeOf: (name: string) => own.get(name),
      originOf: (realm: string) => origins[realm as keyof typeof origins]
    }
    assert.equal(systemName(value, { protocol: 'https', host, place }, known), expected ?? value)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { responseHeaders } from '../../core/headers.ts'
import { publicCookie, publicLocation } from '../../core/public-names.ts'

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

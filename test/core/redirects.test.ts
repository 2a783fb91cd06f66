import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRedirects, type Redirect, redirectMistakes } from '../../core/redirects.ts'
import { createTargetReader } from '../../core/route.ts'

const read = createTargetReader({ billing: ['/rest'], portasip: ['/portasip'], callcontrol: ['/callcontrol'] })
const redirectOf = createRedirects([
  { host: 'www.old.billing.com', to: 'https://www.new.billing.com' },
  { host: 'Shop.billing.com', to: 'https://portal.billing.com:8444/', status: 308 }
])

/** Host, request target, status and Location; null for what stays */
const rows = [
  ['www.old.billing.com', '/', [302, 'https://www.new.billing.com/']],
  ['WWW.OLD.billing.com.:8080', '/a%20b?c=%2F&d', [302, 'https://www.new.billing.com/a%20b?c=%2F&d']],
  ['shop.billing.com', '/login', [308, 'https://portal.billing.com:8444/login']],
  // A path of the client's is never a host.
  ['www.old.billing.com', '//evil.example/x', [302, 'https://www.new.billing.com//evil.example/x']],
  ['www.old.billing.com', '/@evil.example', [302, 'https://www.new.billing.com/@evil.example']],
  ['www.old.billing.com', '/\\evil.example', [302, 'https://www.new.billing.com/\\evil.example']],
  // Calls are still served, and so is every other host, a versioned one too.
  ['www.old.billing.com', '/rest/Session/login', null],
  ['www.100-old.billing.com', '/', null],
  ['www.new.billing.com', '/', null],
  ['old.billing.com', '/', null]
] as const

for (const [host, url, expected] of rows) {
  test(`${host}${url} ${expected === null ? 'stays' : `is at ${expected[1]}`}`, () => {
    const found = redirectOf(host, read(url))
    assert.deepEqual(found === null ? null : [found.status, found.location], expected)
  })
}

test('without redirects everything stays', () => {
  assert.equal(createRedirects([])('www.old.billing.com', read('/')), null)
})

const isAnswered = (host: string) => host.endsWith('.billing.com')
const to = (host: string, origin: string): Redirect => ({ host, to: origin })

/** redirects, mistakes */
const lists: readonly (readonly [readonly Redirect[], readonly string[]])[] = [
  [[], []],
  [[to('a.billing.com', 'https://b.billing.com'), to('b.billing.com', 'https://c.billing.com')], []],
  [[to('a.example', 'https://b.example')], ['[0].host: a.example is no host of a realm, and nothing else answers it']],
  [[to('a.billing.com', 'https://A.billing.com:8444')], ['[0].to: leads back to a.billing.com']],
  [
    [to('a.billing.com', 'https://b.billing.com'), to('b.billing.com', 'http://a.billing.com')],
    ['[0].to: leads back to a.billing.com', '[1].to: leads back to b.billing.com']
  ],
  [
    [to('z.billing.com', 'https://a.billing.com'), to('a.billing.com', 'https://a.billing.com')],
    ['[1].to: leads back to a.billing.com']
  ],
  [
    [to('a.billing.com', 'https://b.billing.com'), to('A.billing.com', 'https://c.billing.com')],
    ['[1].host: A.billing.com is redirected already']
  ]
]

for (const [redirects, expected] of lists) {
  const name = redirects.map(({ host, to: origin }) => `${host} to ${origin}`).join(', ')
  test(`${name || 'nothing'}: ${expected.join(', ') || 'no mistake'}`, () => {
    assert.deepEqual(redirectMistakes(redirects, isAnswered), expected)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRealmLookup, hostName, type RealmHosts, releaseNumber, versionedHost } from '../../core/hosts.ts'

const releases = { source: 'MR100', target: 'MR115' }
const realms: RealmHosts = {
  admin: { hosts: ['mybilling.billing.com', '[2001:db8::1]', 'localhost'] },
  reseller: { hosts: ['*.billing.com'] },
  customer: { hosts: ['www.customer.billing.com', 'Self.Care.Example.', 'www.www.org'] },
  account: { hosts: ['*.account.billing.com', 'vip.account.billing.com'] },
  cc_staff: { hosts: ['100-desk.example'] }
}
const placeOf = createRealmLookup(realms, releases)

const places = [
  ['mybilling.billing.com', 'admin', null],
  ['MYBILLING.Billing.COM', 'admin', null],
  ['mybilling.billing.com:8443', 'admin', null],
  ['MyBilling.billing.com.:443', 'admin', null],
  ['mybilling.billing.com:', 'admin', null],
  ['localhost:8080', 'admin', null],
  ['[2001:db8::1]', 'admin', null],
  ['[2001:DB8::1]:8080', 'admin', null],
  ['self.care.example', 'customer', null],
  ['www.customer.billing.com', 'customer', null],
  // Versioned hosts: the number stands before the first label that is not `www`.
  ['100-mybilling.billing.com', 'admin', 'source'],
  ['115-mybilling.billing.com', 'admin', 'target'],
  ['115-MYBILLING.billing.com.:8443', 'admin', 'target'],
  ['www.100-customer.billing.com', 'customer', 'source'],
  ['WWW.115-customer.billing.com:443', 'customer', 'target'],
  ['100-self.care.example', 'customer', 'source'],
  ['115-localhost', 'admin', 'target'],
  ['www.www.115-org', 'customer', 'target'],
  ['115-100-desk.example', 'cc_staff', 'target'],
  // A host whose own name begins like a versioned one is nobody's version.
  ['100-desk.example', 'cc_staff', null],
  // Wildcards: any name below, the longest first, an exact name before all.
  ['shop.billing.com', 'reseller', null],
  ['a.b.billing.com', 'reseller', null],
  ['www.shop.billing.com', 'reseller', null],
  ['acme.account.billing.com', 'account', null],
  ['ACME.Account.Billing.com.:8445', 'account', null],
  ['vip.account.billing.com', 'account', null],
  ['account.billing.com', 'reseller', null],
  // Versioned under a wildcard, with `www` and without.
  ['100-shop.billing.com', 'reseller', 'source'],
  ['www.115-shop.billing.com', 'reseller', 'target'],
  ['115-acme.account.billing.com:8445', 'account', 'target'],
  ['100-vip.account.billing.com', 'account', 'source'],
  ['1000-shop.billing.com', 'reseller', null],
  ['99-shop.billing.com', 'reseller', null],
  ['100shop.billing.com', 'reseller', null],
  ['shop.100-billing.com', undefined, null],
  // Nobody's.
  ['billing.com', undefined, null],
  ['evilbilling.com', undefined, null],
  ['mybilling.billing.com.evil.example', undefined, null],
  ['99-localhost', undefined, null],
  ['100-www.customer.billing.com.example', undefined, null],
  ['[2001:db8::2]', undefined, null],
  ['2001:db8::1', undefined, null],
  ['', undefined, null],
  [':8080', undefined, null],
  ['.', undefined, null]
] as const

for (const [host, realm, pinned] of places) {
  test(`the host "${host}" is ${realm === undefined ? "nobody's" : `of ${realm}, pinned to ${pinned}`}`, () => {
    assert.deepEqual(placeOf(host), realm === undefined ? undefined : { realm, pinned })
    assert.deepEqual(placeOf(host), realm === undefined ? undefined : { realm, pinned }, 'the second time too')
  })
}

for (const [source, target, host] of [
  ['MR100', 'PB100', '100-mybilling.billing.com'],
  ['old', 'new', 'old-mybilling.billing.com'],
  ['old', 'new', '-mybilling.billing.com'],
  ['MR100', 'MR100.2', '100-localhost']
] as const) {
  test(`releases ${source} and ${target} pin nothing on ${host}`, () => {
    assert.equal(createRealmLookup(realms, { source, target })(host)?.pinned ?? null, null)
  })
}

test('a release without a number leaves the other its versioned hosts', () => {
  const lookup = createRealmLookup(realms, { source: 'MR100', target: 'next' })
  assert.deepEqual(lookup('100-localhost'), { realm: 'admin', pinned: 'source' })
  assert.deepEqual(lookup('localhost'), { realm: 'admin', pinned: null })
})

test('a client that invents hosts changes no answer', () => {
  const lookup = createRealmLookup(realms, releases)
  for (let n = 0; n < 5000; n++) {
    assert.equal(lookup(`host-${n}.example`), undefined)
    assert.equal(lookup(`host-${n}.billing.com`)?.realm, 'reseller')
  }
  for (const [host, realm, pinned] of places) {
    assert.deepEqual(lookup(host), realm === undefined ? undefined : { realm, pinned })
  }
})

test('without any realm host every host is nobody’s', () => {
  assert.equal(createRealmLookup({}, releases)('www.customer.billing.com'), undefined)
})

for (const [host, name] of [
  ['Example.COM', 'example.com'],
  ['example.com:80', 'example.com'],
  ['example.com.', 'example.com'],
  ['example.com.:80', 'example.com'],
  ['[::1]', '[::1]'],
  ['[::1]:443', '[::1]'],
  ['10.0.0.2:8444', '10.0.0.2'],
  ['', '']
] as const) {
  test(`the name of the host "${host}" is "${name}"`, () => assert.equal(hostName(host), name))
}

for (const [host, release, versioned] of [
  ['www.customer.billing.com', 'MR100', 'www.100-customer.billing.com'],
  ['mybilling.billing.com', 'MR115', '115-mybilling.billing.com'],
  ['localhost', 'MR115', '115-localhost'],
  ['www', 'MR100', '100-www'],
  ['wwwx.example', 'MR100', '100-wwwx.example']
] as const) {
  test(`${host} of ${release} is ${versioned}`, () => assert.equal(versionedHost(host, release), versioned))
}

for (const [release, number] of [
  ['MR100', '100'],
  ['115', '115'],
  ['MR85-4', '85'],
  ['next', ''],
  ['', '']
] as const) {
  test(`the number of release "${release}" is "${number}"`, () => assert.equal(releaseNumber(release), number))
}

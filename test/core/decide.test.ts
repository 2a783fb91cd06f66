import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Facts } from '../../core/decide.ts'
import { type Home, isSingleHome, realmNames, type System } from '../../core/words.ts'

const facts = (given: Partial<Facts>): Facts => ({
  realm: 'admin',
  pinned: null,
  login: null,
  context: null,
  home: { system: 'target', by: 'no_credential' },
  merges: false,
  joins: false,
  location: null,
  open: false,
  ...given
})
const home = (system: Home['system'], by: Home['by'] = 'record'): Home => ({ system, by })
const login = (hint: System | null, forwards = true) => ({ step: 'login', hint, forwards }) as const
const refresh = { step: 'refresh', hint: null, forwards: true } as const
const dual = realmNames.filter((realm) => !isSingleHome(realm))

test('customers and accounts have one home, everybody else may have two', () => {
  assert.deepEqual(dual, ['admin', 'reseller', 'cc_staff', 'distributor', 'representative'])
})

/** section, what the contract says, facts, to, reason, otherwise, certain */
const rows: readonly (readonly [
  section: string,
  what: string,
  given: Partial<Facts>,
  to: System | 'both',
  reason: string,
  otherwise: System | null,
  certain: boolean,
  missing?: System
])[] = [
  // protocol 6: a WebSocket on which both systems tell what happens
  ['5', 'a WebSocket of a session on both', { joins: true, home: home('both') }, 'both', 'joined', null, true],
  [
    '5',
    'a context beats joining',
    { joins: true, context: 'source', home: home('both') },
    'source',
    'context',
    null,
    true
  ],
  [
    '5',
    'a session on one has nothing to join',
    { joins: true, home: home('source') },
    'source',
    'session_record',
    null,
    true
  ],
  [
    '5',
    'nobody vouches for both',
    { joins: true, home: home('target', 'unknown_credential') },
    'target',
    'unknown_credential',
    null,
    false
  ],
  [
    '3',
    'a versioned host joins nothing',
    { joins: true, pinned: 'target', home: home('both') },
    'target',
    'versioned_host',
    null,
    true
  ],
  // 3: versioned hosts
  [
    '3',
    'a versioned host, whatever the session says',
    { pinned: 'source', home: home('target') },
    'source',
    'versioned_host',
    null,
    true
  ],
  [
    '3',
    'a versioned host of the target',
    { pinned: 'target', home: home('source') },
    'target',
    'versioned_host',
    null,
    true
  ],
  [
    '3',
    'a versioned host beats a context',
    { pinned: 'source', context: 'target', home: home('both') },
    'source',
    'versioned_host',
    null,
    true
  ],
  [
    '3',
    'a versioned host beats a location',
    { pinned: 'source', location: 'target', home: home('both') },
    'source',
    'versioned_host',
    null,
    true
  ],
  [
    '3',
    'a versioned host beats the cookie',
    { pinned: 'target', home: home('source', 'cookie') },
    'target',
    'versioned_host',
    null,
    true
  ],
  [
    '4',
    'a login on a versioned host: that system alone',
    { pinned: 'source', login: login(null) },
    'source',
    'versioned_host',
    null,
    true
  ],
  [
    '4',
    'a login on a versioned host, against its hint',
    { pinned: 'target', login: login('source') },
    'target',
    'versioned_host',
    null,
    true
  ],
  // 4: logins
  [
    '4',
    'a login: the target, then the source',
    { realm: 'customer', login: login(null) },
    'target',
    'login',
    'source',
    false
  ],
  [
    '4',
    'a hint for the source: the source, then the target',
    { realm: 'customer', login: login('source') },
    'source',
    'login_hint',
    'target',
    false
  ],
  [
    '4',
    'a hint for the target: the usual order',
    { realm: 'account', login: login('target') },
    'target',
    'login',
    'source',
    false
  ],
  [
    '4',
    'a login never looks at an old record',
    { realm: 'customer', login: login(null), home: home('source') },
    'target',
    'login',
    'source',
    false
  ],
  [
    '4',
    'a login never looks at an old cookie',
    { realm: 'account', login: login(null), home: home('source', 'cookie') },
    'target',
    'login',
    'source',
    false
  ],
  [
    '2',
    'login-forwarding off: logins go to the target',
    { realm: 'customer', login: login(null, false) },
    'target',
    'login',
    null,
    false
  ],
  // 4: sessions, by what is known
  ['4', 'a record', { realm: 'customer', home: home('source') }, 'source', 'session_record', null, true],
  ['4', 'a record of the target', { realm: 'account', home: home('target') }, 'target', 'session_record', null, true],
  [
    '4',
    'a signature',
    { realm: 'customer', home: home('source', 'signature') },
    'source',
    'token_signature',
    null,
    true
  ],
  [
    '4',
    'the routing cookie: a session fault may mean the other',
    { realm: 'customer', home: home('source', 'cookie') },
    'source',
    'routing_cookie',
    null,
    false
  ],
  ['4', 'a system that was asked', { realm: 'customer', home: home('source', 'asked') }, 'source', 'asked', null, true],
  [
    '4',
    'no credential: the target',
    { realm: 'customer', home: home('target', 'no_credential') },
    'target',
    'no_credential',
    null,
    false
  ],
  [
    '4',
    'a credential that nobody knows: the target',
    { realm: 'account', home: home('target', 'unknown_credential') },
    'target',
    'unknown_credential',
    null,
    false
  ],
  [
    '8',
    'an explanation that asks nobody',
    { realm: 'customer', home: home('target', 'unasked') },
    'target',
    'unasked',
    null,
    false
  ],
  // 4: reads of those who live nowhere
  [
    '4',
    'a page for a stranger: the target, then the source',
    { realm: 'customer', open: true },
    'target',
    'no_credential',
    'source',
    false
  ],
  ['4', 'the same in a dual realm', { open: true }, 'target', 'no_credential', 'source', false],
  [
    '4',
    'a page for somebody whom nobody knows: the target alone',
    { realm: 'customer', open: true, home: home('target', 'unknown_credential') },
    'target',
    'unknown_credential',
    null,
    false
  ],
  [
    '4',
    "a page of the target's own customer: the target alone",
    { realm: 'customer', open: true, home: home('target') },
    'target',
    'session_record',
    null,
    true
  ],
  [
    '4',
    'a page by the routing cookie: the source alone',
    { realm: 'customer', open: true, home: home('source', 'cookie') },
    'source',
    'routing_cookie',
    null,
    false
  ],
  [
    '3',
    'a page of a versioned host: that system alone',
    { pinned: 'target', open: true },
    'target',
    'versioned_host',
    null,
    true
  ],
  [
    '5.1',
    'a page with a context: that system alone',
    { context: 'target', open: true },
    'target',
    'context',
    null,
    false
  ],
  // 4: a dual-realm session on one system only: everything goes there
  ['4', 'a dual session on the source alone', { home: home('source') }, 'source', 'session_record', null, true],
  ['4', 'the same with its own context', { home: home('source'), context: 'source' }, 'source', 'context', null, true],
  [
    '4',
    'the same with a location',
    { home: home('source'), location: 'target' },
    'source',
    'session_record',
    null,
    true
  ],
  // 4: dual logins
  ['4', 'a dual login: both at once', { login: login(null) }, 'both', 'login', null, false],
  [
    '4',
    'a dual login on a versioned host',
    { pinned: 'source', login: login(null) },
    'source',
    'versioned_host',
    null,
    true
  ],
  ['2', 'a dual login with login-forwarding off', { login: login(null, false) }, 'target', 'login', null, false],
  ['4', 'a refresh token that nobody knows', { login: refresh }, 'target', 'login', 'source', false],
  // 5: a dual-realm session on both
  ['5.1', 'a context', { home: home('both'), context: 'source' }, 'source', 'context', null, true],
  ['5.1', 'a context for the target', { home: home('both'), context: 'target' }, 'target', 'context', null, true],
  [
    '5.1',
    'a context before a location',
    { home: home('both'), context: 'target', location: 'source' },
    'target',
    'context',
    null,
    true
  ],
  ['5.2', 'a list of everybody', { home: home('both'), merges: true }, 'both', 'merged_list', null, true],
  [
    '5.1',
    'a context before a list',
    { home: home('both'), merges: true, context: 'source' },
    'source',
    'context',
    null,
    true
  ],
  [
    '4',
    'a list of a session on one system',
    { home: home('target'), merges: true },
    'both',
    'merged_list',
    null,
    true,
    'source'
  ],
  [
    '4',
    'a list of a session on the other',
    { home: home('source', 'asked'), merges: true },
    'both',
    'merged_list',
    null,
    true,
    'target'
  ],
  ['4', 'a list without a session', { merges: true }, 'target', 'no_credential', null, false],
  ['5.1', 'a context without a session', { context: 'source' }, 'source', 'context', null, false],
  [
    '8',
    'an entity that an explanation does not ask about',
    { home: home('both'), location: 'unasked' },
    'target',
    'unlocated',
    null,
    true
  ],
  [
    '5.3',
    'an entity on the source',
    { home: home('both'), location: 'source' },
    'source',
    'entity_location',
    null,
    true
  ],
  [
    '5.3',
    'an entity on the target',
    { home: home('both'), location: 'target' },
    'target',
    'entity_location',
    null,
    true
  ],
  ['5.4', 'everything else, creations included', { home: home('both') }, 'target', 'default_target', null, true],
  ['5.4', 'the same by asking', { home: home('both', 'asked') }, 'target', 'default_target', null, true]
]

for (const [section, what, given, to, reason, otherwise, certain, missing = null] of rows) {
  test(`section ${section}: ${what}: ${to} (${reason})${otherwise === null ? '' : `, else ${otherwise}`}`, () => {
    assert.deepEqual(decide(facts(given)), { to, reason, otherwise, certain, missing })
  })
}

for (const realm of dual) {
  test(`${realm} on both systems: context, location, target`, () => {
    const both = { realm, home: home('both') }
    assert.equal(decide(facts({ ...both, context: 'source', location: 'target' })).to, 'source')
    assert.equal(decide(facts({ ...both, location: 'source' })).to, 'source')
    assert.equal(decide(facts(both)).to, 'target')
  })
}

for (const realm of ['customer', 'account'] as const) {
  test(`${realm}: neither a context nor a location moves a session`, () => {
    const given = facts({ realm, home: home('source'), context: 'target', location: 'target' })
    assert.equal(decide(given).to, 'source')
  })
}

for (const by of ['record', 'signature', 'asked'] as const) {
  test(`a context where the session (${by}) does not live is refused: the other system would be the wrong one`, () => {
    assert.throws(() => decide(facts({ home: home('target', by), context: 'source' })), {
      faultcode: 'Server.Dispatcher.system_unavailable'
    })
  })
}

test('the facts are left as they were', () => {
  const given = Object.freeze(facts({ home: Object.freeze(home('both')), location: 'source' }))
  assert.deepEqual(decide(given), decide(given))
})

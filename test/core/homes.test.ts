import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreed, homeOf, mayBeHalf, noCredential, withoutRecord } from '../../core/homes.ts'
import type { Credential, Home, KeptSession } from '../../core/words.ts'

const halves = { source: [], target: [] } as unknown as NonNullable<KeptSession['halves']>
const kept = (id: string, more: Partial<KeptSession> = {}) =>
  ({ id, halves: null, context: null, ...more }) as KeptSession
const pair = kept('pair', { halves })
const otherPair = kept('other', { halves })
const half = kept('half')
const chosen = kept('chosen', { context: 'source' })

const homes: readonly { what: string; system: Home['system']; session: KeptSession; home: Home }[] = [
  { what: 'with both halves', system: 'both', session: pair, home: { system: 'both', by: 'record', session: pair } },
  {
    what: 'of a target record, with both halves',
    system: 'target',
    session: pair,
    home: { system: 'both', by: 'record', session: pair }
  },
  {
    what: 'that has lost a half',
    system: 'both',
    session: half,
    home: { system: 'target', by: 'record', session: half }
  },
  { what: 'of one system', system: 'source', session: half, home: { system: 'source', by: 'record' } },
  {
    what: 'of one system, with a context',
    system: 'target',
    session: chosen,
    home: { system: 'target', by: 'record', session: chosen }
  }
]

for (const { what, system, session, home } of homes) {
  test(`a kept session ${what} lives on ${home.system}`, () => assert.deepEqual(homeOf(system, session), home))
}

const recorded = (system: Home['system'], session?: KeptSession): Home =>
  session === undefined ? { system, by: 'record' } : { system, by: 'record', session }
const signed = (system: 'source' | 'target'): Home => ({ system, by: 'signature' })

const two: readonly { what: string; one: Home; other: Home; home: Home | null }[] = [
  { what: 'both the source', one: recorded('source'), other: signed('source'), home: signed('source') },
  {
    what: 'the kept one first',
    one: recorded('target', chosen),
    other: recorded('target'),
    home: recorded('target', chosen)
  },
  {
    what: 'the kept one last',
    one: recorded('target'),
    other: recorded('target', chosen),
    home: recorded('target', chosen)
  },
  {
    what: 'a pair and what the target has signed',
    one: recorded('both', pair),
    other: signed('target'),
    home: recorded('both', pair)
  },
  {
    what: 'what the target has signed and a pair',
    one: signed('target'),
    other: recorded('both', pair),
    home: recorded('both', pair)
  },
  { what: 'a pair and what the source has issued', one: recorded('both', pair), other: signed('source'), home: null },
  { what: 'two pairs', one: recorded('both', pair), other: recorded('both', otherPair), home: null },
  { what: 'two systems', one: recorded('source'), other: recorded('target'), home: null }
]

for (const { what, one, other, home } of two) {
  test(`two credentials of one call, ${what}: ${home === null ? 'refused' : home.system}`, () => {
    if (home === null) assert.throws(() => agreed(one, other), { fault: 'malformed_request' })
    else assert.deepEqual(agreed(one, other), home)
  })
}

const credential: Credential = { kind: 'access_token', value: 'x' }

test('without a record the routing cookie decides, whatever is shown', () => {
  assert.deepEqual(withoutRecord(credential, true), { system: 'source', by: 'cookie' })
  assert.deepEqual(withoutRecord(undefined, true), { system: 'source', by: 'cookie' })
})

test('without a record, a cookie and a credential it is the target', () => {
  assert.deepEqual(withoutRecord(undefined, false), noCredential)
})

test('a credential without a record and a cookie is to be asked about', () => {
  assert.equal(withoutRecord(credential, false), undefined)
})

const halfs: readonly { what: string; home: Home | null; may: boolean }[] = [
  { what: 'nothing is known of', home: null, may: true },
  { what: 'the target has signed', home: signed('target'), may: true },
  { what: 'the source has signed', home: signed('source'), may: false },
  { what: 'has a record', home: recorded('target'), may: false }
]

for (const { what, home, may } of halfs) {
  test(`a session that ${what} may ${may ? '' : 'not '}be half of one`, () => assert.equal(mayBeHalf(home), may))
}

/**
 * The soak's ledger tells lost, doubled and unanswered requests, and those on the wrong system for their session.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  arrivalOf,
  broken,
  endedAt,
  executed,
  failed,
  ledgerWith,
  onSource,
  refused,
  sentAt,
  testCases,
  write,
  wrongsOf
} from './judged.ts'

testCases([
  { name: 'a read where its session lives', arrivals: [['source', {}]], verdict: [] },
  { name: 'a read elsewhere', arrivals: [['target', {}]], verdict: ['wrong system'] },
  {
    name: 'a read of a session that has ended and that nobody remembers',
    mark: { isNobodys: true },
    arrivals: [['target', refused]],
    verdict: []
  },
  {
    name: 'a write in such a session that was carried out elsewhere',
    mark: { ...write, isNobodys: true },
    arrivals: [['target', executed]],
    verdict: ['wrong system']
  },
  {
    name: 'a renewal that the other system refuses',
    mark: { isAskable: true },
    arrivals: [['target', refused]],
    verdict: []
  },
  {
    name: 'a renewal that the other system serves',
    mark: { isAskable: true },
    arrivals: [['target', {}]],
    verdict: ['wrong system']
  },
  { name: 'a read that never arrived', seen: { status: 503 }, arrivals: [], verdict: [] },
  {
    name: 'a login on both',
    mark: { expected: { kind: 'any' } },
    arrivals: [
      ['source', {}],
      ['target', {}]
    ],
    verdict: []
  },

  { name: 'a write that was carried out once', mark: write, arrivals: [['source', executed]], verdict: [] },
  {
    name: 'a write that nobody carried out and that succeeded',
    mark: write,
    arrivals: [['source', {}]],
    verdict: ['lost']
  },
  { name: 'a write that never arrived and succeeded', mark: write, arrivals: [], verdict: ['lost'] },
  {
    name: 'a write that failed and was not carried out',
    mark: write,
    seen: failed,
    arrivals: [['source', broken]],
    verdict: []
  },
  {
    name: 'a write that was carried out and failed',
    mark: write,
    seen: failed,
    arrivals: [['source', executed]],
    verdict: []
  },
  {
    name: 'a write that was carried out twice on one system',
    mark: write,
    arrivals: [
      ['source', executed],
      ['source', executed]
    ],
    verdict: ['doubled']
  },
  {
    name: 'a write that was carried out on both systems',
    mark: { ...write, expected: { kind: 'any' } },
    arrivals: [
      ['source', executed],
      ['target', executed]
    ],
    verdict: ['doubled']
  },
  {
    name: 'a write that was refused and then sent where its session lives',
    mark: { ...write, expected: { kind: 'any' } },
    arrivals: [
      ['target', refused],
      ['source', { ...executed, at: endedAt }]
    ],
    verdict: []
  },
  {
    name: 'a write that was sent again after its connection broke',
    mark: write,
    arrivals: [
      ['source', broken],
      ['source', { ...executed, at: endedAt }]
    ],
    verdict: ['sent again']
  },
  {
    name: 'a write that was sent again after an answer of 503',
    mark: write,
    arrivals: [
      ['source', { status: 503 }],
      ['source', { ...executed, at: endedAt }]
    ],
    verdict: ['sent again']
  },

  { name: 'a request without any answer', seen: { status: null, isSilent: true }, arrivals: [], verdict: ['silent'] },
  {
    name: 'a request without a byte of an answer, though its system began one',
    seen: { status: null, isSilent: true },
    arrivals: [['source', {}]],
    verdict: ['silent']
  }
])

test('ledger: a request is judged once it has ended long enough ago, and then forgotten', () => {
  const ledger = ledgerWith()
  ledger.sent({ id: 1, call: 'c', isWrite: true, expected: onSource, session: null, sentAt })
  ledger.settle(endedAt + 1)
  assert.equal(ledger.open, 1, 'it has not ended')
  ledger.answered(1, { endedAt, status: 200, isSilent: false })
  ledger.settle(endedAt)
  assert.equal(ledger.open, 1, 'not long enough ago')
  ledger.settle(endedAt + 1)
  assert.equal(ledger.open, 0)
  assert.deepEqual(wrongsOf(ledger), ['lost'])
  ledger.arrived(arrivalOf('source', executed))
  assert.deepEqual(wrongsOf(ledger), ['lost', 'stray'], 'what comes after the verdict is told')
})

const kill = { orderedAt: sentAt + 5, goneAt: sentAt + 10 }
const killCases = [
  { name: 'was under way', mark: {}, verdict: [] },
  { name: 'was sent when it was gone', mark: { sentAt: kill.goneAt + 1 }, verdict: ['silent'] },
  { name: 'had ended before', mark: {}, seen: { endedAt: kill.orderedAt - 1 }, verdict: ['silent'] },
  { name: 'was a write that was then sent again', mark: write, again: true, verdict: ['sent again'] }
]

for (const { name, mark, seen = {}, again = false, verdict } of killCases) {
  test(`ledger: a process is killed, and what has no answer ${name}: ${verdict.join() || 'fine'}`, () => {
    const ledger = ledgerWith()
    ledger.noteKill(kill)
    const call = 'Customer/get_customer_info'
    ledger.sent({ id: 1, call, isWrite: false, expected: onSource, session: null, sentAt, ...mark })
    ledger.arrived(arrivalOf('source', broken))
    if (again) ledger.arrived(arrivalOf('source', executed))
    ledger.answered(1, { endedAt, status: null, isSilent: true, ...seen })
    ledger.settle(Infinity)
    assert.deepEqual(wrongsOf(ledger), verdict)
    assert.equal(ledger.excused.size, 1 - ledger.counts.silent)
  })
}

test('ledger: what came to one system again is named, refusals and lists aside', () => {
  const ledger = ledgerWith()
  const send = (id: number, call: string, arrivals: readonly object[]) => {
    ledger.sent({ id, call, isWrite: false, expected: { kind: 'any' }, session: null, sentAt })
    for (const more of arrivals) ledger.arrived(arrivalOf('source', { id, ...more }))
    ledger.answered(id, { endedAt, status: 200, isSilent: false })
  }
  send(1, 'Customer/get_customer_info', [broken, {}])
  send(2, 'Session/logout', [{}, {}])
  send(3, 'Generic/get_session_data', [refused, {}])
  send(4, 'Customer/get_customer_list', [{}, {}])
  send(5, 'Session/ping', [{}])
  ledger.settle(Infinity)
  assert.deepEqual(
    [...ledger.repeated],
    [
      ['Customer/get_customer_info', 1],
      ['Session/logout', 1]
    ]
  )
})

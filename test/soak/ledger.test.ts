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

/** What the end of an attempt means: for the breaker, for the client, and for whether it is sent again. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { errors } from 'undici'
import { Fault, type FaultName, GivenUp } from '../../core/faults.ts'
import {
  faultOf,
  HeadersTimeout,
  isFailure,
  isWorthAnother,
  type Outcome,
  outcomeOf,
  tellsOfSystem
} from '../../plugins/upstreams/outcome.ts'

const coded = (code: string) => Object.assign(new Error(code), { code })
const notBegun = { isStarted: false, isAnswered: false }
const sent = { isStarted: true, isAnswered: false }
const answered = { isStarted: true, isAnswered: true }

const ends: readonly (readonly [
  what: string,
  cause: Error,
  progress: typeof sent,
  outcome: Outcome,
  fault: FaultName,
  again: boolean
])[] = [
  ['refused', coded('ECONNREFUSED'), notBegun, 'no_connection', 'system_unavailable', true],
  ['reset while it connected', coded('ECONNRESET'), notBegun, 'no_connection', 'system_unavailable', true],
  [
    'not connected in time',
    new errors.ConnectTimeoutError('x'),
    notBegun,
    'no_connection',
    'system_unavailable',
    false
  ],
  ['no such host', coded('ENOTFOUND'), notBegun, 'no_connection', 'system_unavailable', false],
  ['not trusted', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), notBegun, 'no_connection', 'system_unavailable', false],
  ['reset', coded('ECONNRESET'), sent, 'reset', 'bad_gateway', true],
  ['ended by the other side', new errors.SocketError('other side closed'), sent, 'reset', 'bad_gateway', true],
  ['no more to be written', coded('EPIPE'), sent, 'reset', 'bad_gateway', true],
  ['no HTTP', coded('HPE_INVALID_CONSTANT'), sent, 'reset', 'bad_gateway', false],
  ['too large a head', new errors.HeadersOverflowError(), sent, 'reset', 'bad_gateway', false],
  ['no headers in time', new HeadersTimeout(), sent, 'timeout', 'system_timeout', false],
  ["no headers in undici's time", new errors.HeadersTimeoutError(), sent, 'timeout', 'system_timeout', false],
  ['reset in its answer', coded('ECONNRESET'), answered, 'broken_off', 'bad_gateway', true],
  ['a stalled answer', new errors.BodyTimeoutError(), answered, 'broken_off', 'bad_gateway', false],
  ['a client that left', new GivenUp('left'), sent, 'given_up', 'bad_gateway', false],
  ['a client that left its answer', new GivenUp('left'), answered, 'given_up', 'bad_gateway', false],
  ["a client's body that broke off", new Fault('malformed_request'), sent, 'given_up', 'malformed_request', false],
  ['a faulty header', new errors.InvalidArgumentError('x'), notBegun, 'given_up', 'malformed_request', false],
  ['an unknown header', new errors.NotSupportedError('x'), notBegun, 'given_up', 'malformed_request', false],
  [
    'a body of another length',
    new errors.RequestContentLengthMismatchError(),
    sent,
    'given_up',
    'malformed_request',
    false
  ]
]

suite('an attempt that ended as', async () => {
  for (const [what, cause, progress, outcome, fault, again] of ends) {
    test(`${what} is ${outcome}, and ${fault} for the client`, () => {
      assert.equal(outcomeOf(cause, progress), outcome)
      assert.equal(isWorthAnother(cause), again)
      const told = faultOf(outcome, 'target', cause, 7)
      assert.equal(told.fault, fault)
      assert.equal(told.retryAfter, fault === 'system_unavailable' ? 7 : undefined)
      if (cause instanceof Fault) assert.equal(told, cause)
      else assert.equal(told.cause, cause)
    })
  }
})

test('the breaker hears of all but what was given up, and only an answer is no failure', () => {
  const rows: Readonly<Record<Outcome, readonly [tells: boolean, fails: boolean]>> = {
    answered: [true, false],
    unavailable: [true, true],
    no_connection: [true, true],
    timeout: [true, true],
    reset: [true, true],
    broken_off: [true, true],
    given_up: [false, false]
  }
  for (const [outcome, expected] of Object.entries(rows)) {
    assert.deepEqual([tellsOfSystem(outcome as Outcome), isFailure(outcome as Outcome)], expected, outcome)
  }
})

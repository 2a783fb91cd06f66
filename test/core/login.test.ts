import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../core/faults.ts'
import { asksOther, chooseAttempt, chooseOfBoth, type LoginResult, loginResult } from '../../core/login.ts'
import { answerOf, faultOf } from './answers.ts'

const session = '{"session_id":"S","access_token":"A","refresh_token":"R","expires_in":900}'
const usual = new Set(['Server.Session.auth_failed'])
const wider = new Set(['Server.Session.auth_failed', 'Server.Session.cannot_login_brute_force_activity'])

const authFailed = { answer: faultOf('Server.Session.auth_failed') }
const mustChange = { answer: faultOf('Server.Session.alert_You_must_change_password') }
const locked = { answer: faultOf('Server.Session.cannot_login_brute_force_activity') }

/** what, attempt, forwardOn, what it means */
const results = [
  ['a session', { answer: answerOf(200, session) }, usual, 'accepted'],
  ['a session id alone', { answer: answerOf(200, '{"session_id":"S"}') }, usual, 'accepted'],
  ['a success without a session', { answer: answerOf(200, '{"success":1}') }, usual, 'answered'],
  ['a success that is no JSON', { answer: answerOf(200, '<html>') }, usual, 'answered'],
  ['a redirect', { answer: answerOf(302, '') }, usual, 'answered'],
  ['a wrong password', authFailed, usual, 'refused'],
  ['a wrong password, not forwarded', authFailed, new Set<string>(), 'answered'],
  ['a password that must be changed', mustChange, usual, 'answered'],
  ['a password that must be changed, forwarded', mustChange, wider, 'answered'],
  ['a lockout', locked, usual, 'answered'],
  ['a lockout, forwarded', locked, wider, 'refused'],
  [
    'a refused refresh',
    { answer: faultOf('Client.Session.check_auth.failed_to_process_access_token') },
    null,
    'refused'
  ],
  ['any fault of a refresh', { answer: faultOf('standalone_mode') }, null, 'refused'],
  ['500 without a faultcode', { answer: answerOf(500, 'oops') }, usual, 'answered'],
  ['500 without a faultcode, of a refresh', { answer: answerOf(500, 'oops') }, null, 'answered'],
  ['400', { answer: answerOf(400, '') }, usual, 'answered'],
  ['502 of a balancer', { answer: answerOf(502, '<html>') }, usual, 'unavailable'],
  ['503 of a balancer', { answer: answerOf(503, '') }, usual, 'unavailable'],
  ['504 of a balancer', { answer: answerOf(504, '') }, null, 'unavailable'],
  [
    '503 with a faultcode that is forwarded',
    { answer: faultOf('Server.Session.auth_failed', 503) },
    usual,
    'unavailable'
  ],
  ['501', { answer: answerOf(501, '') }, usual, 'answered'],
  ['505', { answer: answerOf(505, '') }, usual, 'answered'],
  ['no connection', { fault: new Fault('system_unavailable', 'target') }, usual, 'unavailable'],
  ['no headers in time', { fault: new Fault('system_timeout', 'target') }, usual, 'unavailable'],
  ['a broken connection', { fault: new Fault('bad_gateway', 'target') }, null, 'unavailable']
] as const

for (const [what, attempt, forwardOn, result] of results) {
  test(`${what} (forwards ${forwardOn === null ? 'any fault' : forwardOn.size}) is ${result}`, () => {
    assert.equal(loginResult(attempt, forwardOn), result)
  })
}

for (const [result, asks] of [
  ['accepted', false],
  ['answered', false],
  ['refused', true],
  ['unavailable', true]
] as const) {
  test(`${result}: the other system is ${asks ? '' : 'not '}asked`, () => assert.equal(asksOther(result), asks))
}

/** The target's result, then who is told for each of the source's. */
const choices: Readonly<Record<LoginResult, Readonly<Record<LoginResult, 'source' | 'target'>>>> = {
  accepted: { accepted: 'target', answered: 'target', refused: 'target', unavailable: 'target' },
  answered: { accepted: 'target', answered: 'target', refused: 'target', unavailable: 'target' },
  // Both refused: the target's word. Nobody is told "wrong password" because a system was down.
  refused: { accepted: 'source', answered: 'source', refused: 'target', unavailable: 'source' },
  unavailable: { accepted: 'source', answered: 'source', refused: 'target', unavailable: 'target' }
}

for (const [target, told] of Object.entries(choices) as [LoginResult, Record<LoginResult, string>][]) {
  for (const [source, expected] of Object.entries(told) as [LoginResult, string][]) {
    test(`target ${target}, source ${source}: the client is told the ${expected}'s`, () => {
      assert.equal(chooseAttempt({ source, target }), expected)
    })
  }
}

/** What both say to a login that both are asked at once; null: not there yet. */
for (const [target, source, told] of [
  ['accepted', 'accepted', 'target'],
  ['accepted', 'refused', 'target'],
  ['accepted', null, 'target'],
  ['refused', 'accepted', 'source'],
  ['answered', 'accepted', 'source'],
  ['unavailable', 'accepted', 'source'],
  [null, 'accepted', 'source'],
  ['refused', 'refused', 'target'],
  ['refused', 'answered', 'source'],
  ['answered', 'refused', 'target'],
  ['refused', 'unavailable', 'source'],
  ['unavailable', 'refused', 'target'],
  ['unavailable', 'unavailable', 'target']
] as const) {
  test(`both at once, target ${target ?? 'late'}, source ${source ?? 'late'}: the ${told}'s`, () => {
    const outcomes = {
      ...(source !== null && { source: { result: source } }),
      ...(target !== null && { target: { result: target } })
    }
    assert.equal(chooseOfBoth(outcomes), outcomes[told])
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listOutcome, loginWay, reachedBy } from '../../core/outcomes.ts'

for (const [status, aborted, reached] of [
  [200, false, 'ok'],
  [204, false, 'ok'],
  [200, true, 'aborted'],
  [302, false, 'other'],
  [500, false, 'other']
] as const) {
  test(`${status}${aborted ? ', aborted,' : ''} reached the client as ${reached}`, () =>
    assert.equal(reachedBy(status, aborted), reached))
}

for (const [to, reason, reached, way] of [
  ['target', 'login', 'ok', 'target'],
  ['both', 'login', 'ok', 'target'],
  ['source', 'login', 'ok', 'forwarded'],
  ['source', 'login_forwarded', 'ok', 'forwarded'],
  ['target', 'login_forwarded', 'ok', 'forwarded'],
  ['source', 'login_hint', 'ok', 'hinted'],
  ['source', 'login_hint', 'other', 'refused'],
  [null, null, 'other', 'refused'],
  ['target', 'login', 'aborted', null]
] as const) {
  test(`a login to ${to} by ${reason}, ${reached}: ${way}`, () => assert.equal(loginWay({ to, reason }, reached), way))
}

for (const [to, fault, reached, outcome] of [
  ['both', null, 'ok', 'merged'],
  ['target', null, 'ok', 'partial'],
  ['both', 'Server.Dispatcher.partial_list', 'other', 'failed'],
  ['both', null, 'aborted', 'failed'],
  ['target', null, 'other', 'refused']
] as const) {
  test(`a list from ${to}, fault ${fault}, ${reached}: ${outcome}`, () =>
    assert.equal(listOutcome({ to, fault }, reached), outcome))
}

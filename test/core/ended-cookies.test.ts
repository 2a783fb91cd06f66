import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsCookies } from '../../core/ended-cookies.ts'

const now = Date.parse('2026-06-15T12:00:00Z')
const both = ['access_token', 'session_id']

/** Set-Cookie, names, whether all of them are ended */
const rows: readonly (readonly [string | readonly string[], readonly string[], boolean])[] = [
  [['access_token=; Max-Age=0', 'session_id=; Max-Age=0'], both, true],
  [['session_id=; Max-Age=0'], both, false],
  [['session_id=; Max-Age=0'], ['session_id'], true],
  ['session_id=; Max-Age=0', ['session_id'], true],
  [['session_id=x; Path=/; MAX-AGE = 0 ; HttpOnly'], ['session_id'], true],
  [['session_id=x; Max-Age=-1'], ['session_id'], true],
  [['session_id=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], ['session_id'], true],
  [['session_id=x;expires=Thu, 01-Jan-1970 00:00:01 GMT'], ['session_id'], true],
  [['session_id=x; Expires=Thu, 01 Jan 2099 00:00:00 GMT'], ['session_id'], false],
  [['session_id=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=900'], ['session_id'], false],
  [['session_id=x; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=0'], ['session_id'], true],
  [['session_id=x; Expires=soon'], ['session_id'], false],
  [['session_id=x; Max-Age=soon'], ['session_id'], false],
  [['session_id=x'], ['session_id'], false],
  [['session_id='], ['session_id'], true],
  [['session_id'], ['session_id'], false],
  // The last word on a cookie counts.
  [['session_id=; Max-Age=0', 'session_id=new'], ['session_id'], false],
  [['session_id=new', 'session_id=; Max-Age=0'], ['session_id'], true],
  [['session_idx=; Max-Age=0'], ['session_id'], false],
  [['x=session_id=; Max-Age=0'], ['session_id'], false],
  [[], ['session_id'], false]
]

for (const [setCookies, names, expected] of rows) {
  test(`${JSON.stringify(setCookies)} ${expected ? 'ends' : 'does not end'} ${names.join(' and ')}`, () => {
    assert.equal(endsCookies(setCookies, names, now), expected)
  })
}

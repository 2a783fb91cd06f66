import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRead, sessionStepOf } from '../../core/methods.ts'
import type { Route } from '../../core/words.ts'
import { page, plain, rest, soap } from './routes.ts'

/** A SOAP call whose envelope was read. */
const told = (call: string): Route => ({ ...soap(call), inEnvelope: true })

const shownAs = ({ wire, service, method, inEnvelope }: Route) =>
  `${wire}${inEnvelope ? ' (read)' : ''} ${service}/${method}`

for (const [http, route, read] of [
  ['POST', rest('Customer/get_customer_list'), true],
  ['POST', rest('Customer/get_customer_info'), true],
  ['POST', rest('Generic/get_version'), true],
  ['GET', rest('Customer/get_customer_info'), true],
  ['POST', soap('Customer/get_customer_info'), false],
  ['GET', soap('Customer/get_customer_info'), false],
  ['POST', told('Customer/get_customer_info'), true],
  ['POST', told('Session/ping'), true],
  ['POST', told('Customer/update_customer'), false],
  ['POST', soap('Customer/'), false],
  ['GET', soap('Customer/'), true],
  ['POST', rest('Session/ping'), true],
  ['POST', rest('Session/login'), false],
  ['POST', rest('Session/logout'), false],
  ['POST', rest('Session/refresh_access_token'), false],
  ['POST', rest('Customer/ping'), false],
  ['POST', rest('Customer/add_customer'), false],
  ['POST', rest('Customer/update_customer'), false],
  ['POST', rest('Customer/delete_customer'), false],
  ['POST', rest('Account/terminate_account'), false],
  ['POST', rest('Account/getaway'), false],
  ['POST', rest('Account/GET_info'), false],
  ['POST', rest('Account/forget_me'), false],
  ['GET', rest('Customer/add_customer'), false],
  ['POST', rest('AccessControl/verify_otp'), false],
  ['GET', plain, true],
  ['HEAD', plain, true],
  ['OPTIONS', plain, true],
  ['POST', plain, false],
  ['PUT', plain, false],
  ['PATCH', plain, false],
  ['DELETE', plain, false],
  ['get', plain, false],
  ['GET', page, true],
  ['POST', page, false]
] as const) {
  test(`${http} ${shownAs(route)} is a ${read ? 'read' : 'write'}`, () => assert.equal(isRead(http, route), read))
}

for (const [route, step] of [
  [rest('Session/login'), 'login'],
  [rest('Session/logout'), 'logout'],
  [rest('Session/refresh_access_token'), 'refresh'],
  [{ ...rest('Session/login'), family: 'portasip' }, null],
  [soap('Session/login'), 'login'],
  [soap('Session/refresh_access_token'), 'refresh'],
  [soap('Session/'), null],
  [rest('Session/ping'), null],
  [rest('Session/login_to_realm'), null],
  [rest('Session/Login'), null],
  [rest('session/login'), null],
  [rest('Customer/login'), null],
  [plain, null],
  [page, null]
] as const) {
  test(`${route.family} ${shownAs(route)} is ${step ?? 'no step of a session'}`, () =>
    assert.equal(sessionStepOf(route, { realm: 'customer', pinned: null }), step))
}

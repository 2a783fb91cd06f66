import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOpenRead } from '../../core/open-reads.ts'
import { createTargetReader } from '../../core/route.ts'

const read = createTargetReader({ billing: ['/rest', '/soap', '/espf'], portasip: ['/portasip'], callcontrol: ['/cc'] })

/** method, request target, whether anybody may read it */
const rows = [
  ['GET', '/', true],
  ['HEAD', '/login', true],
  ['GET', '/login?next=%2Fdashboard&lang=en', true],
  ['GET', '/static/app.js?v=2', true],
  ['POST', '/login', false],
  ['PUT', '/profile', false],
  ['DELETE', '/', false],
  ['GET', '/rest/Customer/get_customer_info', false],
  ['POST', '/rest/Customer/get_customer_info', false],
  ['GET', '/espf/v1/subscriptions', false],
  ['GET', '/soap/Customer/get_customer_info', false],
  ['OPTIONS', '/rest/Session/login', true],
  ['OPTIONS', '/espf/v1/subscriptions', true],
  ['OPTIONS', '/login', true],
  // What only the system that gave it may read.
  ['GET', '/login?access_token=x', false],
  ['GET', '/reset?lang=en&reset-Token=x', false],
  ['GET', '/?PHPSESSIONID=x', false],
  ['GET', '/sso?code=x', false],
  ['GET', '/sso?ticket=x', false],
  ['GET', '/map?country_code=x', true],
  ['GET', '/tokens', true]
] as const

for (const [method, url, expected] of rows) {
  test(`${method} ${url} ${expected ? 'needs no session' : 'is for its own system'}`, () => {
    assert.equal(isOpenRead(method, read(url)), expected)
  })
}

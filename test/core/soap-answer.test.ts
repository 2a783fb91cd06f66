/** What systems answer over SOAP is read as what they answer in JSON. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { faultcodeOf, mayMissEntity, missesEntity, refusesSession, sessionOf } from '../../core/answer.ts'
import { answerOf } from './answers.ts'
import { rest, soap } from './routes.ts'

const soapType = { 'content-type': 'text/xml; charset=UTF-8' }
const envelope = (body: string, prefix = 'soap') =>
  `<?xml version="1.0" encoding="UTF-8"?><${prefix}:Envelope xmlns:${prefix}="http://schemas.xmlsoap.org/soap/envelope/"><${prefix}:Body>${body}</${prefix}:Body></${prefix}:Envelope>`
const soapFaultOf = (faultcode: string) =>
  envelope(
    `<SOAP-ENV:Fault><faultcode>${faultcode}</faultcode><faultstring>x</faultstring></SOAP-ENV:Fault>`,
    'SOAP-ENV'
  )
const soapAnswer = (status: number, body: string | Buffer, more: Record<string, string> = {}) =>
  answerOf(status, body, { ...soapType, ...more })

for (const [what, answer, faultcode] of [
  ['plain', soapAnswer(500, soapFaultOf('Server.Session.auth_failed')), 'Server.Session.auth_failed'],
  ['with a prefix', soapAnswer(500, soapFaultOf('SOAP-ENV:Server.Session.auth_failed')), 'Server.Session.auth_failed'],
  ['with space around it', soapAnswer(500, soapFaultOf('\n  ns1:Server.x\n')), 'Server.x'],
  ['compressed', soapAnswer(500, gzipSync(soapFaultOf('Server.x')), { 'content-encoding': 'gzip' }), 'Server.x'],
  ['in application/xml', answerOf(503, soapFaultOf('Server.x'), { 'content-type': 'application/xml' }), 'Server.x'],
  ['in a success', soapAnswer(200, soapFaultOf('Server.x')), null],
  ['in a page', answerOf(500, soapFaultOf('Server.x'), { 'content-type': 'text/html' }), null],
  ['cut short', soapAnswer(500, soapFaultOf('Server.x').slice(0, -20)), null],
  [
    'behind a document type',
    soapAnswer(500, `<!DOCTYPE x>${envelope('<Fault><faultcode>Server.x</faultcode></Fault>')}`),
    null
  ],
  ['missing', soapAnswer(500, envelope('<Fault/>')), null],
  ['an empty Body', soapAnswer(500, envelope('')), null]
] as const) {
  test(`a SOAP fault code ${what}: ${faultcode}`, () => assert.equal(faultcodeOf(answer), faultcode))
}

test('a session is read out of a SOAP answer, with or without an element around it', () => {
  const members = '<session_id>S</session_id><access_token>A&#46;b</access_token><expires_in>900</expires_in>'
  for (const body of [
    `<loginResponse>${members}</loginResponse>`,
    `<a:r xmlns:a="x"><gensym3>${members}</gensym3></a:r>`
  ]) {
    assert.deepEqual(sessionOf(soapAnswer(200, envelope(body))), {
      credentials: [
        { kind: 'access_token', value: 'A.b' },
        { kind: 'session_id', value: 'S' }
      ],
      lifetimeMs: 900_000
    })
  }
})

const soapPing = soap('Session/ping')
const soapInfo = soap('Customer/get_customer_info')
const customerOf = (record: string) => envelope(`<get_customer_infoResponse>${record}</get_customer_infoResponse>`)

for (const [what, route, answer, refused, missed] of [
  ['user 0', soapPing, soapAnswer(200, envelope('<r><user_id>0</user_id></r>')), true, false],
  ['a user', soapPing, soapAnswer(200, envelope('<r><user_id>10</user_id></r>')), false, false],
  ['a session fault', soapInfo, soapAnswer(500, soapFaultOf('a:Server.Session.check_auth.auth_failed')), true, false],
  ['a not-found fault', soapInfo, soapAnswer(500, soapFaultOf('Server.Customer.not_found')), false, true],
  ['no record', soapInfo, soapAnswer(200, customerOf('')), false, true],
  ['an empty record', soapInfo, soapAnswer(200, customerOf('<customer_info/>')), false, true],
  ['a nil record', soapInfo, soapAnswer(200, customerOf('<customer_info xsi:nil="true"/>')), false, true],
  [
    'an exported record',
    soapInfo,
    soapAnswer(
      200,
      customerOf('<customer_info><i_customer>7</i_customer><bill_status>E</bill_status></customer_info>')
    ),
    false,
    true
  ],
  [
    'a record',
    soapInfo,
    soapAnswer(
      200,
      customerOf('<customer_info><i_customer>7</i_customer><bill_status>O</bill_status></customer_info>')
    ),
    false,
    false
  ]
] as const) {
  test(`a SOAP answer with ${what}${refused ? ' refuses the session' : ''}${missed ? ' misses the entity' : ''}`, () => {
    assert.equal(refusesSession(route, answer), refused)
    assert.equal(missesEntity(route, answer), missed)
  })
}

test('an empty envelope is held back although it is longer than an empty object', () => {
  const answer = soapAnswer(200, envelope('<get_xResponse/>'), { 'content-length': '420' })
  assert.equal(mayMissEntity(soap('Customer/get_x'), answer), 1024)
  assert.equal(mayMissEntity(rest('Customer/get_x'), answer), 0)
  assert.ok(missesEntity(soap('Customer/get_x'), answer))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askerOf, ownCall } from '../../core/own-call.ts'

const client = { addresses: '192.0.2.1', proto: 'https', host: 'www.admin.test' }
const told = ['X-Forwarded-For', '192.0.2.1', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'www.admin.test']
const usual = ['Content-Type', 'application/json', ...told]

for (const [what, credential, headers, body] of [
  ['nobody', null, usual, '{"params":{"a":1.10}}'],
  ['a token', { kind: 'access_token', value: 'A' }, [...usual, 'Authorization', 'Bearer A'], '{"params":{"a":1.10}}'],
  [
    'a session id',
    { kind: 'session_id', value: 'S"' },
    usual,
    '{"auth_info":{"session_id":"S\\""},"params":{"a":1.10}}'
  ]
] as const) {
  test(`a call in the name of ${what}`, () => {
    const call = ownCall('/rest/A/get_b', '{"a":1.10}', credential, client)
    assert.deepEqual({ ...call, body: call.body.toString() }, { method: 'POST', path: '/rest/A/get_b', headers, body })
  })
}

for (const [what, ip, ips, addresses] of [
  ['a client', '192.0.2.1', undefined, '192.0.2.1'],
  ['a client over IPv6', '2001:db8::1', undefined, '2001:db8::1'],
  ['a client of an IPv4 address over IPv6', '::ffff:192.0.2.1', undefined, '192.0.2.1'],
  ['a client behind a proxy of ours', '192.0.2.1', ['::ffff:10.0.0.7', '192.0.2.1'], '192.0.2.1, 10.0.0.7']
] as const) {
  test(`the systems are told who asks: ${what}`, () => {
    const trail = { trace: { id: 'a', begun: null, replaces: false } }
    const asked = { place: { realm: 'admin', pinned: null }, ip, ips, protocol: 'https', host: 'h' } as const
    const { realm, client: told } = askerOf({ ...asked, headers: {}, trail })
    assert.deepEqual([realm, told], ['admin', { addresses, proto: 'https', host: 'h', trace: [] }])
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  contextIn,
  prefersPartial,
  refuseTwoAuthorizations,
  requestHeaders,
  responseHeaders
} from '../../core/headers.ts'

const client = { addresses: '203.0.113.9, 10.0.0.7', proto: 'https', host: 'www.customer.billing.com:8444' }
const told = ['X-Forwarded-For', client.addresses, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', client.host]
const mapping = { origin: 'https://10.0.0.2:8444', publicOrigin: 'https://www.customer.billing.com' }

const up = (raw: readonly string[], connection?: string) => requestHeaders(raw, connection, client)
const down = (headers: Parameters<typeof responseHeaders>[0]) => responseHeaders(headers, mapping)

test('the client’s own headers go up in order, byte for byte, duplicates and case kept', () => {
  const raw = [
    ['accept', 'a/b;q=0.10'],
    ['X-Thing', '1'],
    ['Cookie', 'a=b; session_id=S'],
    ['x-thing', '2'],
    ['COOKIE', 'c=d'],
    ['Authorization', 'Bearer  x '],
    ['Content-Type', 'multipart/form-data; boundary="--XX"'],
    ['Content-Length', '12'],
    ['X-Empty', ''],
    ['Xylophone', 'x'],
    ['Accept-Encoding', 'gzip, br'],
    ['Prefer', 'dispatcher=partial']
  ].flat()
  assert.deepEqual(up(raw), [...raw, ...told])
})

test('nothing at all gets the forwarding headers', () => assert.deepEqual(up([]), told))

const hopByHop = [
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade'
]

for (const name of [...hopByHop, 'Host', 'Expect']) {
  test(`${name} never goes up, however it is written`, () => {
    assert.deepEqual(up([name, 'x', 'A', '1', name.toUpperCase(), 'x', name.toLowerCase(), 'x']), ['A', '1', ...told])
  })
}

for (const name of hopByHop) {
  test(`${name} never comes down`, () => {
    assert.deepEqual(down({ [name.toLowerCase()]: 'x', a: '1' }), ['a', '1'])
  })
}

for (const connection of ['X-Hop', 'close, X-Hop', 'keep-alive,x-hop', ' X-HOP ,keep-alive', 'a,, x-hop ,b']) {
  test(`Connection "${connection}" takes X-Hop away, up and down`, () => {
    assert.deepEqual(up(['x-HOP', '1', 'X-Hops', '2'], connection), ['X-Hops', '2', ...told])
    assert.deepEqual(down({ connection, 'x-hop': '1', 'x-hops': '2' }), ['x-hops', '2'])
    assert.deepEqual(down({ connection: ['close', connection], 'x-hop': ['1', '1'] }), [])
  })
}

for (const connection of ['keep-alive', 'Close', 'close', undefined]) {
  test(`Connection "${connection}" takes nothing else away`, () => {
    assert.deepEqual(up(['X-Hop', '1'], connection), ['X-Hop', '1', ...told])
    assert.deepEqual(down({ connection, 'x-hop': '1' }), ['x-hop', '1'])
  })
}

test('a client cannot take the forwarding headers away by naming them in Connection', () => {
  const connection = 'X-Forwarded-For, X-Forwarded-Proto, x-forwarded-host'
  assert.deepEqual(up(['Connection', connection, 'X-Forwarded-For', '1.2.3.4'], connection), told)
})

for (const name of [
  'X-Forwarded-For',
  'x-forwarded-for',
  'X_Forwarded_For',
  'X-Forwarded_For',
  'x_forwarded-for',
  'X-Forwarded-Host',
  'X_FORWARDED_HOST',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Server',
  'X-Real-IP',
  'X_Real_IP',
  'x-real_ip',
  'Forwarded',
  'FORWARDED'
]) {
  test(`a client's ${name} is dropped`, () => {
    assert.deepEqual(up([name, '1.2.3.4', 'A', '1', name, '5.6.7.8']), ['A', '1', ...told])
  })
}

for (const name of [
  'X-Forward',
  'Forwarded-By',
  'X-Real-IP-Of',
  'From',
  'X',
  'F',
  'X-Request-Id',
  'X-Dispatcher-Context'
]) {
  test(`a client's ${name} is its own`, () => assert.deepEqual(up([name, '1']), [name, '1', ...told]))
}

for (const [names, refused] of [
  [[], false],
  [['Authorization'], false],
  [['Authorization', 'Proxy-Authorization'], false],
  [['Authorization', 'X-Authorization'], false],
  [['Authorization', 'Authorization'], true],
  [['authorization', 'Accept', 'AUTHORIZATION'], true]
] as const) {
  test(`${names.join(', ') || 'no header'}: ${refused ? 'malformed, and not repeated' : 'one Authorization at most'}`, () => {
    const refuse = () => refuseTwoAuthorizations(names.flatMap((name) => [name, 'Bearer hunter2']))
    if (!refused) refuse()
    else {
      assert.throws(
        refuse,
        (error: Error & { faultcode?: string }) =>
          error.faultcode === 'Client.Dispatcher.malformed_request' && !error.message.includes('hunter2')
      )
    }
  })
}

test('what a system answers comes down as it is, several values as several', () => {
  const headers = {
    'content-type': 'application/json; charset=UTF-8',
    'content-length': '12',
    'content-encoding': 'gzip',
    'content-disposition': 'attachment; filename="a b.pdf"',
    'x-many': ['1', '2'],
    'www-authenticate': 'Bearer',
    'retry-after': '3',
    'x-none': undefined,
    'set-cookie': ['session_id=S; Path=/; HttpOnly', 'access_token=A'],
    date: 'Thu, 01 Jan 1970 00:00:00 GMT',
    server: 'x'
  }
  const expected = Object.entries(headers).filter(([, value]) => value !== undefined)
  assert.deepEqual(down(headers), expected.flat(1))
})

test('any headers keep their order, their bytes and their number', () => {
  const name = fc.stringMatching(/^[A-Wa-w][A-Za-z0-9-]{0,12}$/).filter((one) => {
    const stays = [...hopByHop, 'host', 'expect', 'authorization', 'forwarded'].map((other) => other.toLowerCase())
    return !stays.includes(one.toLowerCase())
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
      assert.deepEqual(up(pairs.flat()), [...pairs.flat(), ...told])
    })
  )
})

for (const [value, expected] of [
  [undefined, undefined],
  ['source', 'source'],
  ['target', 'target'],
  ['auto', 'auto']
] as const) {
  test(`X-Dispatcher-Context: ${value} asks for ${expected ?? 'nothing'}`, () => {
    assert.equal(contextIn(value === undefined ? {} : { 'x-dispatcher-context': value }), expected)
  })
}

for (const value of ['', 'Source', 'both', 'source, target', ['source', 'target'], 'hunter2'] as const) {
  test(`X-Dispatcher-Context: ${JSON.stringify(value)} is malformed, and not repeated`, () => {
    assert.throws(
      () => contextIn({ 'x-dispatcher-context': value }),
      (error: Error & { faultcode?: string }) =>
        error.faultcode === 'Client.Dispatcher.malformed_request' && !error.message.includes('hunter2')
    )
  })
}

for (const [value, expected] of [
  [undefined, false],
  ['dispatcher=partial', true],
  ['Dispatcher = "partial"', true],
  ['respond-async, dispatcher=partial; x=1', true],
  [['respond-async', 'dispatcher=partial'], true],
  ['dispatcher=whole', false],
  ['xdispatcher=partial', false],
  ['dispatcher=partially', false]
] as const) {
  test(`Prefer: ${JSON.stringify(value)} ${expected ? 'takes' : 'does not take'} a partial list`, () => {
    assert.equal(prefersPartial({ prefer: value }), expected)
  })
}

test('session cookies of the half that the gateway keeps are not for the client, others are', () => {
  const kept = { ...mapping, keptCookies: new Set(['access_token', 'session_id']) }
  const cookies = ['access_token=A; Path=/', ' session_id =S', 'session_idx=1', 'lang=en', 'noise']
  assert.deepEqual(responseHeaders({ 'set-cookie': cookies }, kept), ['set-cookie', cookies.slice(2)])
  assert.deepEqual(responseHeaders({ 'set-cookie': 'access_token=A' }, kept), [])
})

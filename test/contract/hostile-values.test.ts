/**
 * Hostile request lines and values: what names a place, a host or a context must not be read otherwise by a system, nor
 * bring a header, a line or a credential where it does not belong.
 */
import assert from 'node:assert/strict'
import { after, suite } from 'node:test'
import { hosts } from '../build.ts'
import { get, host, once, path, post, type Row, second, secret, startHostileWorld, testRows } from '../hostile.ts'

const world = await startHostileWorld({ after: (close) => after(() => (close as () => unknown)()) })
const withHost = (value: string) => `POST ${path} HTTP/1.1\r\nHost: ${value}\r\nContent-Length: 0\r\n\r\n`
const withTarget = (target: string, named = host) =>
  `POST ${target} HTTP/1.1\r\nHost: ${named}\r\nContent-Length: 0\r\n\r\n`
const withMethod = (method: string, target = path) => `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
const quoted = (text: string) => JSON.stringify(text)
const page = (url: string): Pick<Row, 'status' | 'sees'> => ({ status: 404, sees: [[url, '']] })

const refusedTargets: Row[] = [
  ...['ftp://evil.test/x', 'file:///etc/passwd', `http://u:${secret}@${host}/`, 'http:///x', 'http:/x', 'http:x', '*'],
  ...[`${host}:443`, `http://${host}\\@evil.test/`, `http://evil.test\\@${host}/`, `http://${host}:x@evil.test/`],
  ...[`http://${host}:x/`, `http://${host}%00.evil.test/`, `http://${host}, evil.test/x`, 'javascript:x', '?x', ''],
  ...['/a/..', '/a/%2e%2e/b', '/a/..%2fb', '/a/.%2e/b', '/a\\..\\b', '/a/..%5cb', '/a#/../b', '/rest/..;/admin'],
  ...['/rest/..;a=b/admin', '/rest/%2e%2e%3b/admin', '/a/..%00/b', '/a/..%23/b', '/rest/../admin'],
  ...['/rest/Customer%2fsmuggled', '/rest/%43ustomer/x', '/rest/./Session/login', '/rest/../rest/Session/login'],
  ...[`/a/%zz${secret}`, '/a/%', '/a/%ff%fe', '/a/\xff\xfe', '/a b', '/a\tb', '/a\0b', '/a\x01b', '/a\x7fb']
].map((target) => ({ name: `a request for ${quoted(target)}`, bytes: get(target), status: 400 }))

const pages: Row[] = [
  ...['//evil.test/x', '///evil.test/x', '/\\evil.test', '/rest\\Customer\\x', '/a?x=%zz&y=//evil.test/..', '/a/%00'],
  ...['/a/%252e%252e/b', '/a|b"<>^`{}', '//rest/Session/ping', '/rest;a/Customer/x']
].map((target) => ({
  name: `a request for ${quoted(target)} is a page’s, as it is`,
  bytes: get(target),
  ...page(target)
}))

const hostsRefused: Row[] = [
  ...[`evil@${host}`, `${host}:80@evil.test`, `${host}:@evil.test`, `${host}/evil`, `${host}, evil.test`],
  ...[`${host}:abc`, `${host}:80:90`, `${host}?x`, `${host}#`, `[${host}]`, `${host} evil.test`, `${host}\xe9`],
  ...[`${host}:8"'<script>`, `${host}%0d%0a`, `${host}\\evil.test`]
].map((value) => ({ name: `Host: ${quoted(value)}`, bytes: withHost(value), status: 400 }))

const hostRows: Row[] = [
  { name: 'two Hosts', bytes: post('Host: evil.test\r\nContent-Length: 0'), status: 400 },
  { name: 'one Host twice', bytes: post(`Host: ${host}\r\nContent-Length: 0`), status: 400 },
  { name: 'no Host', bytes: `POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`, status: 400 },
  { name: 'no Host in HTTP/1.0', bytes: `POST ${path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n`, status: 421 },
  { name: 'an empty Host', bytes: withHost(''), status: 421 },
  { name: 'a foreign Host', bytes: withHost('evil.test'), status: 421 },
  { name: 'a Host with a port', bytes: withHost(`${host}:8080`), ...once() },
  { name: 'a target with the own host', bytes: withTarget(`http://${host}${path}`), ...once() },
  {
    name: 'a target with the own host in capitals',
    bytes: withTarget(`HTTP://${host.toUpperCase()}${path}`),
    ...once()
  },
  { name: 'a target with a foreign host', bytes: withTarget(`http://evil.test${path}`), status: 421 },
  { name: 'a target with an address for its host', bytes: withTarget('http://[::1]/x'), status: 421 },
  {
    name: 'a target’s host takes the place of Host',
    bytes: withTarget(`http://${host}${path}`, 'evil.test'),
    ...once(),
    got: (headers) => assert.equal(headers.get('x-forwarded-host'), host)
  }
]

const protocols: Row[] = [
  ...['FOO', 'post', 'QUERY', 'PRI', 'G ET', 'P\0ST', 'PÖST'].map((method) => ({
    name: `method ${quoted(method)}`,
    bytes: withMethod(method),
    status: 400
  })),
  ...['PROPFIND', 'PURGE', 'M-SEARCH', 'LINK', 'TRACE'].map((method) => ({
    name: `method ${method}`,
    bytes: withMethod(method).replace('\r\n\r\n', `\r\nAuthorization: Bearer ${secret}\r\n\r\n`),
    status: 404
  })),
  ...['HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.', 'http/1.1', 'HTTP/11.1', 'HTTP/1.1 x', 'ICE/1.0'].map(
    (version) => ({
      name: `version ${version}`,
      bytes: get('/x').replace('HTTP/1.1', version) + second,
      status: 400
    })
  ),
  { name: 'HTTP/0.9', bytes: `GET ${path}\r\n\r\n`, status: 400 },
  { name: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400 },
  { name: 'a TLS handshake', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', status: 400 },
  { name: 'CONNECT', bytes: withMethod('CONNECT', 'evil.test:443') + second, status: [] },
  { name: 'OPTIONS *', bytes: withMethod('OPTIONS', '*'), status: 400 },
  {
    name: 'an upgrade to HTTP/2 is not passed on',
    bytes: post('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 0'),
    ...once(),
    got: (headers) =>
      assert.deepEqual(
        ['upgrade', 'http2-settings'].filter((name) => headers.has(name)),
        []
      )
  },
  {
    name: 'Expect: 100-continue',
    bytes: post('Content-Type: text/csv\r\nExpect: 100-continue\r\nContent-Length: 3', 'abc'),
    ...once('abc'),
    got: (headers) => assert.equal(headers.get('expect'), undefined)
  },
  { name: 'Expect: nonsense', bytes: post(`Expect: ${secret}\r\nContent-Length: 3`, 'abc'), status: 417 }
]

const names: Row[] = ['X\0A', 'X A', 'X\x01A', 'X\x7fA', 'X\xe9', 'X(A', 'X/A', 'X"A', 'X\tA', 'X-A ', ' X-A'].map(
  (name) => ({
    name: `a header named ${quoted(name)}`,
    bytes: post(`${name}: ${secret}\r\nContent-Length: 0`),
    status: 400
  })
)

const values: Row[] = [
  ...['a\0b', 'a\x01b', 'a\x7fb', 'a\x1bb', 'a\rb', 'a\nb', 'a\r\n b'].map((value) => ({
    name: `a header with ${quoted(value)}`,
    bytes: post(`X-A: ${value}\r\nContent-Length: 0`),
    status: 400
  })),
  ...['a\xe9\xffb', 'a\tb', '%0d%0aX-Evil: yes', '\\r\\nX-Evil: yes'].map((value) => ({
    name: `a header with ${quoted(value)} goes on as it is`,
    bytes: post(`X-A: ${value}\r\nContent-Length: 0`),
    ...once(),
    got: (headers: ReadonlyMap<string, string>) => assert.equal(headers.get('x-a'), value)
  }))
]

const relayed: Row[] = [
  {
    name: 'what only the gateway says of who asks',
    bytes: post(
      ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X_Forwarded_For', 'X-Real-IP', 'Forwarded']
        .map((name) => `${name}: evil.test\r\n`)
        .join('')
        .concat('Content-Length: 0')
    ),
    ...once(),
    got(headers) {
      assert.ok(![...headers.values()].some((value) => value.includes('evil.test')))
      assert.equal(headers.get('x-forwarded-for'), '127.0.0.1')
    }
  },
  {
    name: 'a Connection that names what the gateway says',
    bytes: post('Connection: X-Forwarded-For, X-Forwarded-Host, Host, Content-Length\r\nContent-Length: 3', 'abc'),
    ...once('abc'),
    got: (headers) => assert.equal(headers.get('x-forwarded-host'), host)
  },
  {
    name: 'a trace that is none',
    bytes: post(`traceparent: 00-${secret}\r\ntracestate: ${secret}\r\nX-Request-Id: ${secret}\r\nContent-Length: 0`),
    ...once(),
    got: (headers) => assert.match(headers.get('traceparent') ?? '', /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/)
  },
  ...['klingon', 'source, target', 'source\xe9', `source;${secret}`].map((context) => ({
    name: `X-Dispatcher-Context: ${quoted(context)}`,
    bytes: post(`X-Dispatcher-Context: ${context}\r\nContent-Length: 0`).replace(host, hosts.admin),
    status: 400
  })),
  {
    name: 'X-Dispatcher-Context twice',
    bytes: post('X-Dispatcher-Context: source\r\nX-Dispatcher-Context: target\r\nContent-Length: 0').replace(
      host,
      hosts.admin
    ),
    status: 400
  },
  {
    name: 'a Prefer of nonsense',
    bytes: post(`Prefer: dispatcher=partial=,;"${secret}\r\nPrefer: \xe9\r\nContent-Length: 0`),
    ...once()
  },
  {
    name: 'a routing cookie of nonsense',
    bytes: post(`Cookie: pb_dispatch=${secret}; ;=;pb_dispatch\r\nCookie: pb_dispatch="\xe9\r\nContent-Length: 0`),
    ...once()
  },
  {
    name: 'two Content-Types',
    bytes: post('Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2', '{}'),
    status: 400
  },
  { name: 'a Content-Type that is none', bytes: post('Content-Type: \xe9\r\nContent-Length: 2', '{}'), status: 400 },
  {
    name: 'JSON that is not UTF-8 goes on byte for byte',
    bytes: post('Content-Type: application/json\r\nContent-Length: 11', '{"x":"\xff\xc0"} '),
    ...once('{"x":"\xff\xc0"} ')
  },
  {
    name: 'a form that is not UTF-8',
    bytes: post('Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12', 'params=%ff%f'),
    status: 400
  },
  {
    name: 'JSON with a name that objects have',
    bytes: post('Content-Type: application/json\r\nContent-Length: 38', '{"__proto__":{"x":1},"constructor":{}}'),
    ...once('{"__proto__":{"x":1},"constructor":{}}')
  }
]

suite('hostile values', () => {
  testRows([...refusedTargets, ...pages, ...hostsRefused, ...hostRows], world)
  testRows([...protocols, ...names, ...values, ...relayed], world)
})

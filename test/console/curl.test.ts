/** What the console makes of a pasted request, before the gateway is asked about it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePasted } from '../../console/curl.js'
import { words } from '../../console/shell.js'

const url = 'http://www.customer.test/rest/Customer/get_customer_info'
const form = 'application/x-www-form-urlencoded'

interface Expected {
  readonly method?: string
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly notes?: number
}

const cases: readonly (readonly [what: string, pasted: string, expected: Expected])[] = [
  ['an address alone', `curl ${url}`, {}],
  ['a prompt in front', `$ curl ${url}`, {}],
  ['flags of output', `curl -sS -i -k --compressed -L ${url} -o /dev/null -w '%{http_code}'`, { notes: 1 }],
  ['single quotes', `curl '${url}' -H 'A: it is $HOME \\n'`, { headers: { a: 'it is $HOME \\n' } }],
  ['double quotes', `curl "${url}" -H "A: \\"b\\" \\\\ \\c"`, { headers: { a: '"b" \\ \\c' } }],
  ["$'…' quotes", `curl $'${url}' -H $'A: it\\'s \\u00e9\\x21\\t\\41.'`, { headers: { a: "it's é!\t!." } }],
  ['quotes that join', `curl 'http://www.customer.test'/rest/"Customer/get_customer_info"`, {}],
  ['continued lines', `curl \\\n  -X PUT \\\r\n  ${url}`, { method: 'PUT' }],
  ['a method', `curl -XDELETE ${url}`, { method: 'DELETE' }],
  ['no scheme', 'curl www.customer.test/dashboard', { url: 'http://www.customer.test/dashboard' }],
  ['--url', `curl -s --url ${url}`, {}],
  ['data', `curl ${url} -d a=1 --data b=2`, { method: 'POST', headers: { 'content-type': form }, body: 'a=1&b=2' }],
  [
    'raw data that begins with @',
    `curl ${url} --data-raw @a`,
    { method: 'POST', headers: { 'content-type': form }, body: '@a' }
  ],
  [
    'attached data',
    `curl ${url} -d'{"params":{}}' -H 'Content-Type: application/json'`,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"params":{}}' }
  ],
  [
    'binary data',
    `curl ${url} --data-binary $'a\\nb'`,
    { method: 'POST', headers: { 'content-type': form }, body: 'a\nb' }
  ],
  [
    'encoded data',
    `curl ${url} --data-urlencode 'a=b c&d'`,
    { method: 'POST', headers: { 'content-type': form }, body: 'a=b%20c%26d' }
  ],
  [
    'JSON',
    `curl ${url} --json '{"params":' --json '{}}'`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: '{"params":{}}'
    }
  ],
  ['data of a file', `curl ${url} -d @call.json`, { method: 'POST', headers: { 'content-type': form }, notes: 1 }],
  ['-G', `curl -G ${url} -d a=1 -d b=2`, { url: `${url}?a=1&b=2` }],
  ['-G behind a query', `curl -G '${url}?x=0' -d a=1`, { url: `${url}?x=0&a=1` }],
  ['HEAD', `curl -I ${url}`, { method: 'HEAD' }],
  [
    'cookies',
    `curl ${url} -b 'session_id=a; pb_dispatch=b' -H 'Cookie: c=d'`,
    { headers: { cookie: 'session_id=a; pb_dispatch=b; c=d' } }
  ],
  ['a file of cookies', `curl ${url} -b jar`, { notes: 1 }],
  ['a user', `curl -u 'älex:s3cret' ${url}`, { headers: { authorization: `Basic ${btoa('Ã¤lex:s3cret')}` } }],
  ['a bearer', `curl --oauth2-bearer abc ${url}`, { headers: { authorization: 'Bearer abc' } }],
  ['a header twice', `curl ${url} -H 'X: 1' -H 'x: 2'`, { headers: { x: '1, 2' } }],
  ['headers without a value', `curl ${url} -H 'Accept:' -H 'X;'`, {}],
  [
    'several flags in one word',
    `curl -sXPUT ${url} -isd a`,
    { method: 'PUT', headers: { 'content-type': form }, body: 'a' }
  ],
  ['a form', `curl ${url} -F a=b`, { method: 'POST', headers: { 'content-type': 'multipart/form-data' }, notes: 1 }],
  ['a flag that is not known', `curl --made-up ${url}`, { notes: 1 }],
  ['a pipe behind it', `curl ${url} | jq .`, {}],
  ['another command behind it', `curl ${url}; rm -r x`, {}],
  ['several addresses', `curl ${url} http://else.test/`, { notes: 1 }],
  ['Windows quotes', `curl ^"${url}^" ^\n  -H ^"A: ^\\^"b^\\^"^"`, { headers: { a: '"b"' } }],
  ['curl.exe', `curl.exe ${url}`, {}],
  ['an address without curl', url, {}],
  ['a path alone', '/dashboard', { url: '/dashboard' }],
  [
    'HTTP text',
    `POST /rest/Customer/get_customer_info HTTP/1.1\r\nHost: www.customer.test\r\nCookie: a=b\r\n\r\n{"params":\r\n\r\n{}}`,
    {
      method: 'POST',
      url: '/rest/Customer/get_customer_info',
      headers: { host: 'www.customer.test', cookie: 'a=b' },
      body: '{"params":\n\n{}}'
    }
  ],
  [
    'HTTP text of HTTP/2',
    'get /dashboard HTTP/2\nhost: www.customer.test',
    { url: '/dashboard', headers: { host: 'www.customer.test' } }
  ],
  ['a request line alone', `GET ${url}`, {}],
  [
    'HTTP text with lines that are none',
    'GET /dashboard HTTP/1.1\nHost: a.test\nfolded',
    { url: '/dashboard', headers: { host: 'a.test' }, notes: 1 }
  ]
]

for (const [what, pasted, expected] of cases) {
  test(`read: ${what}`, () => {
    const { request, problem, notes } = parsePasted(pasted)
    const { notes: noted = 0, ...rest } = expected
    assert.deepEqual(request, { method: 'GET', url, headers: {}, body: '', ...rest })
    assert.equal(problem, '')
    assert.equal(notes.length, noted, notes.join('\n'))
  })
}

const refused = [
  ['nothing', '  ', /Paste a request first/],
  ['a quote that is not closed', `curl 'http://a.test`, /never closed/],
  ['a curl line without an address', 'curl -X POST', /names no address/],
  ['prose', 'why does this customer get a 503?', /neither a curl line nor an HTTP request/],
  ['JSON', '{"params":{}}', /neither a curl line nor an HTTP request/]
] as const

for (const [what, pasted, sentence] of refused) {
  test(`refused with what to do: ${what}`, () => {
    const { request, problem } = parsePasted(pasted)
    assert.equal(request, null)
    assert.match(problem, sentence)
  })
}

test('a note names flags alone: never a file, a value, or a word that only looks like a flag', () => {
  const pasted = `curl ${url} -d @/home/secret -b secret --key secret -F secret=secret --secret -H @secret --proxy=secret`
  const { notes } = parsePasted(pasted)
  assert.ok(notes.length > 4)
  assert.doesNotMatch(notes.join('\n'), /secret/)
})

test('a name of every object is no flag', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal(parsePasted(`curl ${url} --${name}`).problem, '')
    assert.deepEqual(parsePasted(`curl ${url} -H '${name}: a'`).request?.headers[name.toLowerCase()], 'a')
  }
})

test('a word in single quotes is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const line = texts.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(' ')
      // Carets before a quote are Windows' own way, and line ends are one sign.
      fc.pre(!/\^["\r\n]|\r/.test(line))
      assert.deepEqual(words(line), { words: texts, problem: '' })
    })
  )
})

test('nothing that is pasted makes it throw', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'curl ',
      "'",
      '"',
      "$'",
      '\\',
      '\\x',
      '\\U110000',
      '-d ',
      '--json ',
      '-',
      '--',
      '\n',
      '^"',
      ':',
      '@',
      '\u0000'
    ),
    fc.string()
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const { request, problem } = parsePasted(pieces.join(''))
      assert.ok((request === null) === (problem !== ''))
    })
  )
})

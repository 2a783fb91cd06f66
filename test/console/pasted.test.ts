/**
 * What the console and the command line make of a pasted request, before the gateway is asked about it. What curl and bash
 * make of the same words is in as-curl.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePasted } from '../../console/pasted/request.js'
import { wordsOf } from '../../console/pasted/shell.js'
import { Unreadable } from '../../console/pasted/unreadable.js'

const url = 'http://www.customer.test/rest/Customer/get_customer_info'
const boundary = 'webdispatcher-0'
const form = 'application/x-www-form-urlencoded'

interface Expected {
  readonly method?: string
  readonly url?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly notes?: number
}

const posted = { method: 'POST', headers: { 'content-type': form } }
const json = { 'content-type': 'application/json' }

const cases: readonly (readonly [what: string, pasted: string, expected: Expected])[] = [
  ['an address alone', `curl ${url}`, {}],
  ['a prompt in front', `$ curl ${url}`, {}],
  ['a prompt with a host', `root@gw-1:~/x# curl ${url}`, {}],
  ['a prompt of Windows', `C:\\Users\\a b>curl ${url}`, {}],
  ['a prompt of PowerShell', `PS C:\\Users\\a b> curl.exe ${url}`, {}],
  ['curl by its path', `/usr/bin/curl ${url}`, {}],
  ['flags of output', `curl -sS -i -k --compressed -L ${url} -o /dev/null -w '%{http_code}' 2>/dev/null >x`, {}],
  ['quotes that join', `curl 'http://www.customer.test'/rest/"Customer/get_customer_info"`, {}],
  ['continued lines', `curl \\\n  -X PUT \\\r\n  ${url}`, { method: 'PUT' }],
  ['continued lines with a prompt', `curl \\\n> -X PUT \\\n> ${url}`, { method: 'PUT' }],
  ['lines that have lost what continues them', `curl ${url}\n  -X PUT\n  --head`, { method: 'PUT' }],
  ['a method', `curl -Xdelete ${url}`, { method: 'DELETE' }],
  ['no scheme', 'curl www.customer.test/dashboard', { url: 'http://www.customer.test/dashboard' }],
  [
    'attached data',
    `curl ${url} -d'{"params":{}}' -H 'Content-Type: application/json'`,
    {
      ...posted,
      headers: json,
      body: '{"params":{}}'
    }
  ],
  ['a header twice', `curl ${url} -H 'X: 1' -H 'x: 2'`, { headers: { x: '1, 2' } }],
  ['an upload', `curl ${url} -T /etc/passwd`, { method: 'PUT', notes: 1 }],
  [
    'a part of a file',
    `curl ${url} -F 'params={"a":1}' -F f=@secret.png`,
    {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body:
        `--${boundary}\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"a":1}\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="secret.png"\r\n` +
        `Content-Type: application/octet-stream\r\n\r\n\r\n--${boundary}--\r\n`
    }
  ],
  [
    'a part that holds the boundary',
    `curl ${url} -F a=${boundary}`,
    {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=webdispatcher-1` },
      body: `--webdispatcher-1\r\nContent-Disposition: form-data; name="a"\r\n\r\n${boundary}\r\n--webdispatcher-1--\r\n`
    }
  ],
  ['a pipe behind it', `curl ${url} | jq .`, {}],
  ['another command behind it', `curl ${url}; rm -r x`, {}],
  ['several curl lines', `curl ${url} ;\ncurl http://else.test/`, { notes: 1 }],
  ['--next', `curl ${url} --next -d a http://else.test/`, { notes: 1 }],
  ['an & that no quote shelters', `curl ${url}?a=1&b=2`, { url: `${url}?a=1`, notes: 1 }],
  ['a variable', `curl ${url} -H "A: $TOKEN"`, { headers: { a: '$TOKEN' }, notes: 1 }],
  ['no variable', `curl ${url} -H 'A: $TOKEN' -H "B: \\$TOKEN $"`, { headers: { a: '$TOKEN', b: '$TOKEN $' } }],
  [
    'Chrome',
    `curl '${url}' \\\n  -H 'accept: */*' \\\n  -b 'a=b' \\\n  --data-raw $'{"a":"it\\'s\\u0021\\n"}' \\\n  --insecure`,
    {
      ...posted,
      headers: { accept: '*/*', cookie: 'a=b', 'content-type': form },
      body: `{"a":"it's!\n"}`
    }
  ],
  [
    'Firefox',
    `curl '${url}' --compressed -X POST -H 'TE: trailers' --data-raw $'{"a":"\\xe9\\u20ac"}'`,
    {
      ...posted,
      headers: { te: 'trailers', 'content-type': form },
      body: '{"a":"é€"}'
    }
  ],
  [
    'Safari',
    `curl '${url}' \\\n-X 'POST' \\\n-H 'Content-Type: application/json' \\\n--data-binary '{"a":"b"}'`,
    {
      ...posted,
      headers: json,
      body: '{"a":"b"}'
    }
  ],
  [
    'Chrome for cmd',
    `curl ^"${url}?a=^%^20b^" ^\r\n  -H ^"A: ^\\^"b^\\^" it's^" ^\r\n  --data-raw ^"^{^\\^"a^\\^":^\\^"b^\\\\n^\\^"^}^\r\n\r\n^"`,
    {
      ...posted,
      url: `${url}?a=%20b`,
      headers: { a: '"b" it\'s', 'content-type': form },
      body: '{"a":"b\\n"}\n'
    }
  ],
  [
    'older browsers for cmd',
    `curl "${url}?a=^b" ^\n -H "A: ""b"" ^& c"`,
    {
      url: `${url}?a=^b`,
      headers: { a: '"b" ^& c' }
    }
  ],
  [
    'PowerShell',
    `curl.exe -X PUT "${url}" \`\r\n  -H "A: \`"b\`" $" \`\n -d '{\\"a\\":\\"it''s\\"}'`,
    {
      method: 'PUT',
      headers: { a: '"b" $', 'content-type': form },
      body: `{"a":"it's"}`
    }
  ],
  ['PowerShell in one line', `curl.exe ${url} -d '{\\"a\\":1}'`, { ...posted, body: '{"a":1}' }],
  ['an address without curl', url, {}],
  ['a path alone', '/dashboard', { url: '/dashboard' }],
  [
    'what /explain takes',
    JSON.stringify({ url, headers: { a: 'b' }, body: 'c' }),
    {
      method: 'POST',
      headers: { a: 'b' },
      body: 'c'
    }
  ],
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
    const { request, notes } = parsePasted(pasted, null)
    const { notes: noted = 0, ...rest } = expected
    assert.deepEqual(request, { method: 'GET', url, headers: {}, body: '', ...rest })
    assert.equal(notes.length, noted, notes.join('\n'))
  })
}

const refused = [
  ['nothing', '  ', /Paste a request first/],
  ['a quote that is not closed', `curl 'http://a.test`, /never closed/],
  ['a quote of cmd that is not closed', `curl ^"http://a.test`, /never closed/],
  ['a curl line without an address', 'curl -X POST', /names no address/],
  ['curl alone', 'curl', /names no address/],
  ['prose', 'why does this customer get a 503?', /neither a curl line nor an HTTP request/],
  ['JSON that names no address', '{"params":{}}', /neither a curl line nor an HTTP request/],
  ['PowerShell’s own', `Invoke-WebRequest -Uri "${url}"`, /neither a curl line nor an HTTP request/],
  ['data of a file', `curl ${url} -d @secret`, /^-d names a file, which a page cannot read/],
  ['encoded data of a file', `curl ${url} --data-urlencode a@secret`, /^--data-urlencode names a file/],
  ['JSON of a file', `curl ${url} --json @secret`, /^--json names a file/],
  ['a field of a file', `curl ${url} -F 'a=<secret'`, /^-F names a file/],
  ['headers of a file', `curl ${url} -H @secret`, /^-H names a file/],
  ['data of the input', `curl ${url} -d @- <<EOF\n{}\nEOF`, /^-d takes the input/],
  ['cookies of a file', `curl ${url} -b secret`, /^-b names a file of cookies/],
  ['addresses of a file', 'curl --url @secret', /address is in a file/],
  ['more flags of a file', `curl ${url} -K secret`, /^-K takes a part of the request from elsewhere/],
  ['a password of a file', `curl ${url} -sn`, /^-n takes a part of the request from elsewhere/],
  ['a flag that is not known', `curl ${url} --secret secret`, /^Word 2 behind curl .* no flag that is known here/],
  ['a value that is joined by =', `curl ${url} --request=secret`, /^Word 2 behind curl/],
  ['a letter that is not known', `curl ${url} -sM`, /^Word 2 behind curl/],
  ['a body that is not quoted', `curl ${url} -d {"secret": -1}`, /^Word 4 behind curl/],
  ['a flag without its value', `curl ${url} -sd`, /^-d needs a value/],
  ['a field without a name', `curl ${url} -F secret`, /^-F takes a field/],
  ['several addresses', `curl ${url} http://secret.test/`, /several addresses/],
  ['a header that is not quoted', `curl -H Authorization: Bearer secret ${url}`, /several addresses/],
  ['several requests in one', `curl ${url} -d a -F a=b`, /several requests in one/],
  ['data and HEAD', `curl ${url} -d a -I`, /several requests in one/]
] as const

for (const [what, pasted, sentence] of refused) {
  test(`refused with what to do: ${what}`, () => {
    assert.throws(
      () => parsePasted(pasted, null),
      (error) => {
        assert.ok(error instanceof Unreadable)
        assert.match(error.message, sentence)
        // Never a file, a value, or a word that only looks like a flag.
        assert.doesNotMatch(error.message, /secret/)
        return true
      }
    )
  })
}

test('where files can be read, they are', () => {
  const read = (line: string) => parsePasted(`curl ${url} ${line}`, (name) => `${name}\r\n`).request
  assert.equal(read('-d @a').body, 'a')
  assert.equal(read('--data-binary @a').body, 'a\r\n')
  assert.deepEqual(read(`-H '@b: c'`).headers, { b: 'c' })
})

test('a name of every object is no flag', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.throws(() => parsePasted(`curl ${url} --${name}`, null), Unreadable)
    assert.equal(parsePasted(`curl ${url} -H '${name}: a'`, null).request.headers[name.toLowerCase()], 'a')
  }
})

test('a word in single quotes is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const line = texts.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(' ')
      assert.deepEqual(wordsOf(line), { words: texts, rest: '', isFilled: false })
    })
  )
})

test('whatever is pasted, it is read or refused', () => {
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
      '-F ',
      '--json ',
      '<',
      '>',
      '`',
      '`\n',
      'http://a.test/ ',
      '#',
      '=',
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
      try {
        assert.equal(typeof parsePasted(pieces.join(''), null).request.url, 'string')
      } catch (error) {
        assert.ok(error instanceof Unreadable, String(error))
      }
    })
  )
})

test('what is long and hostile is read as fast as it was pasted: its time grows with its length alone', () => {
  const many = 16_000
  const begin = performance.now()
  for (const pasted of [`curl ^"${'^\\^"'.repeat(many)}`, `curl \`\n ${'"`'.repeat(many)}`]) {
    assert.throws(() => parsePasted(pasted, null), Unreadable)
  }
  parsePasted(`curl ${url} -F 'a=${'-'.repeat(many)}${boundary}${'-'.repeat(many)}'`, null)
  assert.ok(performance.now() - begin < 3_000)
})

/** The reader of curl lines, beside curl and bash themselves: for the same words both must mean the same request. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { after, before, suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { requestBy } from '../../console/pasted/curl.js'
import { wordsOf } from '../../console/pasted/shell.js'
import { write } from '../gateway/command.ts'

const run = promisify(execFile)

const files = { lines: 'l1\r\nl2 &\n', headers: 'A: 1\nB: 2\n', empty: '' }

/** `h` is the host that is asked; @lines, @headers and @empty are files. */
const rows: readonly (readonly string[])[] = [
  ['h/x'],
  ['h/x?a#fragment'],
  ['-XPUT', 'h/x'],
  ['-X', 'DELETE', '-d', 'a', 'h/x'],
  ['--url', 'h/x', '-I'],
  ['h/x', '-d', 'a=1', '--data', 'b=2', '-d', '', '--data-ascii', 'c'],
  ['h/x', '-d', '@lines', '--data-binary', '@lines', '--data-raw', '@lines'],
  ['h/x', '--json', '{', '--json', '}'],
  ['h/x', '--json', 'b', '-d', 'a'],
  ['h/x', '--json', '@lines', '-H', 'Accept: text/html'],
  ['h/x', '--data-urlencode', 'a=b c&d', '--data-urlencode', 'u@x=b', '--data-urlencode', '=a b'],
  ['h/x', '--data-urlencode', "é-._~ !'()*", '--data-urlencode', 'n@lines', '--data-urlencode', '@lines'],
  ['h/x', '-G', '-d', 'a=1', '-d', 'b=2'],
  ['h/x?q#f', '-G', '-d', 'a=1'],
  ['h/x?', '--get', '-d', 'a=1', '-I'],
  ['h/x', '-G', '-X', 'PUT', '--json', '1'],
  ['h/x?a', '--url-query', 'b=c d', '--url-query', 'e'],
  ['h/x', '--request-target', '/z?y'],
  ['h/x', '-b', 'a=1', '-b', 'b=2; c=3'],
  ['h/x', '-b', 'a=1', '-H', 'Cookie: b=2'],
  ['h/x', '-b', ''],
  ['h/x', '-u', 'älex:s:3'],
  ['h/x', '-H', 'Authorization: Bearer c', '-u', 'a:b'],
  ['h/x', '-u', 'a:b', '-H', 'authorization: Bearer c'],
  ['h/x', '-u', 'a:b', '--oauth2-bearer', 'c'],
  ['h/x', '-u', 'a:b', '--digest'],
  ['h/x', '-u', 'a:b', '--anyauth', '--basic'],
  ['u:p%40@h/x'],
  ['u:p@h/x', '-u', 'a:b'],
  ['h/x', '-A', 'm', '-e', 'http://r/;auto'],
  ['h/x', '-A', 'm', '-H', 'User-Agent: n'],
  ['h/x', '-A', '', '-e', ''],
  ['h/x', '-H', 'Content-Type:', '-d', 'a'],
  ['h/x', '-H', 'Content-Type: text/xml', '-d', '<a/>'],
  ['h/x', '-H', 'X;', '-H', 'Y:', '-H', 'Z;z', '-H', 'nothing', '-H', 'W:  w:w  '],
  ['h/x', '-H', 'A: 1', '-H', 'a: 2', '-H', '@headers'],
  ['h/x', '-H', 'Host: a', '-H', 'Host: b'],
  ['h/x', '-H', 'Content-Type: a/a', '-H', 'Content-Type: b/b', '-d', 'a'],
  ['h/x', '-F', 'a=b', '-F', 'c="d;e"', '-F', 'f=g;type=text/plain', '-F', 'h=i;j=k', '-F', 'l= m '],
  ['h/x', '-F', 'a=b', '-H', 'Content-Type: multipart/form-data'],
  ['h/x', '-F', 'a=<lines', '--form-string', 'b=@c;type=d', '-F', 'q"r=s\\"t'],
  ['h/x', '-F', 'a=@empty;filename="b;c";type=image/png', '-F', 'd=@empty'],
  ['h/x', '-T', 'empty'],
  ['-sSkid', 'x', 'h/x', '--no-keepalive', '-m', '9', '--connect-timeout', '9', '-o', '/dev/null'],
  ['h/x', '--compressed', '--http1.1', '-L', '--retry', '2', '-w', '%{http_code}'],
  // Behind it all words are addresses, so it comes last.
  ['--', 'h/x']
]

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What curl adds of itself, and what belongs to the connection. */
const own = /^(?:host|content-length|connection|expect|accept-encoding)$|^accept: \*\/\*$|^user-agent: curl\//

function alike({ method, url, headers, body }: Seen, isHostNamed: boolean): Seen {
  const named = Object.entries(headers).filter(
    ([name, value]) => !(own.test(name) && !(name === 'host' && isHostNamed)) && !own.test(`${name}: ${value}`)
  )
  const [, boundary] = /boundary=(.+)$/.exec(headers['content-type'] ?? '') ?? []
  const same = (text: string) => (boundary === undefined ? text : text.replaceAll(boundary, 'BOUNDARY'))
  const written = named.map(([name, value]) => [name, same(value).replaceAll(/;\s*/g, '; ')] as const)
  return { method, url, headers: Object.fromEntries(written.toSorted()), body: same(body) }
}

suite('as curl sends it', () => {
  const sent: Seen[] = []
  let base = ''

  before(async () => {
    const server = http.createServer(async (request, response) => {
      const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
      const { method = '', url = '', headers } = request
      sent.push({ method, url, headers: headers as Record<string, string>, body: Buffer.concat(chunks).toString() })
      response.end()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    after(() => server.close())
    base = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const words = rows.flatMap((row, at) => [...(at === 0 ? [] : ['--next']), '-s', ...row.map(asked)])
    await run('curl', ['-q', ...words], {
      cwd: dirname(write({ after: after as TestContext['after'] }, files)('empty')),
      timeout: 10_000
    })
  })

  const asked = (word: string) => word.replace(/^(?:(.*)@)?h(?=\/)/, (_all, user) => (user ? `${user}@` : '') + base)
  const readFile = (name: string) => files[name as keyof typeof files] ?? assert.fail(name)

  for (const [at, row] of rows.entries()) {
    test(row.join(' '), () => {
      const { request } = requestBy(row.map(asked), readFile)
      const isHostNamed = row.some((word) => word.startsWith('Host:'))
      const seen = sent[at]
      assert.ok(seen)
      const url = request.url.slice(`http://${base}`.length)
      assert.deepEqual(alike({ ...request, url }, isHostNamed), alike(seen, isHostNamed))
    })
  }
})

/** Each is a command for bash, in which `curl` is a function that tells its words. */
const lines = [
  'curl a  b\tc',
  String.raw`curl 'a "b" \n $x' "c 'd' \" \\ \$ \z"`,
  String.raw`curl $'a\'b"\n\t\r\\\x41\101\u00e9\U0001f600\cd\z\e\"\?'`,
  String.raw`curl $'\xc3\xa9\303\251' $'\u20ac' $"a"`,
  String.raw`curl it\'s 'don'\''t' a"b"'c'$'d' \ a\ b`,
  `curl '' "" $''`,
  'curl a \\\n  b\\\n c',
  `curl 'a\nb' "a\nb" "a\\\nb" $'a\nb'`,
  'curl a#b #c',
  'curl a # b c\n',
  'curl a 2>/dev/null b >/dev/null c',
  'curl 2>&1 a&>/dev/null b',
  'curl a2>/dev/null b </dev/null',
  'curl a; : b',
  'curl a && : b',
  'curl a | : b',
  'curl é 😀=~',
  'curl "#a" a"#b"'
]

suite('as bash reads it', () => {
  let read: string[][] = []

  before(async () => {
    const script = `curl() { printf '%s\\1' "$@" >&3; printf '\\2' >&3; }; exec 3>&1\n${lines.join('\n')}`
    const { stdout } = await run('bash', ['-c', script], { env: { LC_ALL: 'C.UTF-8' }, timeout: 10_000 })
    read = stdout.split('\u0002').map((words) => words.split('\u0001').slice(0, -1))
  })

  for (const [at, line] of lines.entries()) {
    test(JSON.stringify(line), () => assert.deepEqual(wordsOf(line).words.slice(1), read[at]))
  }
})

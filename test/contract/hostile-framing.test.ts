/**
 * Where a request ends must be read alike by everybody on the way. Behind most of these stands a whole second request:
 * a system that sees it was made to by the first.
 */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { get, host, once, path, post, type Row, second, secret, startHostileWorld, testRows } from '../hostile.ts'
import { sendRaw } from '../raw-socket.ts'

const world = await startHostileWorld({ after: (close) => after(() => (close as () => unknown)()) })

const csv = 'Content-Type: text/csv\r\n'
const inChunks = (text: string) => post(`${csv}Transfer-Encoding: chunked`, text)
const length = second.length
/** Two requests, one behind the other, as a client may send them. */
const both = (body: string): Pick<Row, 'status' | 'sees' | 'answers' | 'isPipelined'> => ({
  status: [500, 500],
  answers: 2,
  isPipelined: true,
  sees: [
    [path, body],
    ['/rest/Customer/smuggled', '']
  ]
})

const lengths: Row[] = [
  ...['+5', '-1', '0x5', '5, 5', '5,6', '5 5', '5;', '5.0', '1e1', '5\v', '\v5', '\xd9\xa5', 'five', ''],
  '18446744073709551616',
  '99999999999999999999'
].map((value) => ({
  name: `Content-Length: ${JSON.stringify(value)}`,
  bytes: post(`${csv}Content-Length: ${value}`, `abcde${second}`),
  status: 400
}))

const codings: Row[] = [
  ...['xchunked', 'chunked, identity', 'identity', 'identity, chunked', 'chunked, chunked', 'gzip, chunked', 'gzip'],
  ...['cow, chunked', ', chunked', 'chunked,', '', '\vchunked', 'chunked\v', 'chunked;q=1', '"chunked"', 'chun\tked'],
  'chunked\0'
].map((value) => ({
  name: `Transfer-Encoding: ${JSON.stringify(value)}`,
  bytes: post(`${csv}Transfer-Encoding: ${value}`, `0\r\n\r\n${second}`),
  status: 400
}))

const two: Row[] = [
  {
    name: 'a length and chunks (CL.TE)',
    bytes: post(`Content-Length: ${length + 5}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${second}`),
    status: 400
  },
  {
    name: 'chunks and a length (TE.CL)',
    bytes: post('Transfer-Encoding: chunked\r\nContent-Length: 4', `${length.toString(16)}\r\n${second}\r\n0\r\n\r\n`),
    status: 400
  },
  { name: 'one length twice', bytes: post('Content-Length: 0\r\nContent-Length: 0', second), status: 400 },
  { name: 'two lengths', bytes: post(`Content-Length: 0\r\nContent-Length: ${length}`, second), status: 400 },
  {
    name: 'chunked twice',
    bytes: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', `0\r\n\r\n${second}`),
    status: 400
  },
  {
    name: 'chunked and identity in two headers',
    bytes: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${second}`),
    status: 400
  },
  {
    name: 'identity and a length',
    bytes: post(`Transfer-Encoding: identity\r\nContent-Length: ${length}`, second),
    status: 400
  },
  {
    name: 'chunks in HTTP/1.0',
    bytes: post('Transfer-Encoding: chunked', `0\r\n\r\n${second}`).replace('1.1', '1.0'),
    status: 400
  },
  {
    name: 'chunks in HTTP/1.0 that would be kept alive',
    bytes: post('Connection: keep-alive\r\nTransfer-Encoding: chunked', `0\r\n\r\n${second}`).replace('1.1', '1.0'),
    status: 400
  },
  {
    name: 'an underscore for the hyphen is no framing',
    bytes: post(`${csv}Transfer_Encoding: chunked\r\nContent-Length: ${length}`, second),
    ...once(second)
  }
]

const lines: Row[] = [
  ['a space before the colon', 'Transfer-Encoding : chunked'],
  ['a folded value', 'Transfer-Encoding:\r\n chunked'],
  ['a header within a folded one', `X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: ${length}`],
  ['a header behind a bare LF', 'X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5'],
  ['a header behind a bare CR', 'X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5'],
  ['no colon', 'Transfer-Encoding chunked'],
  ['an empty name', ': chunked']
].map(([name = '', headers = '']) => ({ name, bytes: post(headers, `0\r\n\r\n${second}`), status: 400 }))

const lineEnds: Row[] = [
  { name: 'bare LFs', bytes: post('Content-Length: 0').replaceAll('\r\n', '\n'), status: 400 },
  { name: 'a bare LF at the end of the head', bytes: `${post('Content-Length: 0').slice(0, -2)}\n`, status: 400 },
  { name: 'bare CRs', bytes: `${post('Content-Length: 0').replaceAll('\r\n', '\r')}\r\r`, status: 400 },
  {
    name: 'a folded line before the first header',
    bytes: `POST ${path} HTTP/1.1\r\n X: y\r\nHost: ${host}\r\n\r\n`,
    status: 400
  },
  { name: 'empty lines before the request are skipped', bytes: `\r\n\r\n${post('Content-Length: 0')}`, ...once() },
  { name: 'a space before the request', bytes: ` ${post('Content-Length: 0')}`, status: 400 }
]

const chunkSizes: Row[] = ['zz', '-1', '0x5', '+5', ' 5', '5 ', 'f'.repeat(18), '', '5;a\nb', '5\n', '5;a="b\r\n"'].map(
  (size) => ({
    name: `a chunk of size ${JSON.stringify(size)}`,
    bytes: inChunks(`${size}\r\nabcde\r\n0\r\n\r\n${second}`),
    status: 400
  })
)

const chunks: Row[] = [
  { name: 'a chunk extension of 20 KB', bytes: inChunks(`5;${'x'.repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`), status: 400 },
  { name: 'a chunk extension', bytes: inChunks(`5;a=b\r\nabcde\r\n0\r\n\r\n${second}`), ...both('abcde') },
  { name: 'a chunk without its CRLF', bytes: inChunks(`5\r\nabcdeXX0\r\n\r\n${second}`), status: 400 },
  { name: 'a chunk longer than its size', bytes: inChunks(`5\r\nabcdef\r\n0\r\n\r\n${second}`), status: 400 },
  { name: 'chunks with bare LFs', bytes: inChunks(`5\nabcde\n0\n\n${second}`), status: 400 },
  { name: 'a bare LF behind the last chunk', bytes: inChunks(`5\r\nabcde\r\n0\r\n\n${second}`), status: 400 },
  { name: 'chunks that end early', bytes: inChunks('5\r\nabc'), ends: true, status: 400 },
  {
    name: 'a trailer with a length',
    bytes: inChunks(`5\r\nabcde\r\n0\r\nContent-Length: 99\r\n\r\n${second}`),
    status: 400
  },
  { name: 'a malformed trailer', bytes: inChunks(`5\r\nabcde\r\n0\r\nX : y\r\n\r\n${second}`), status: 400 },
  {
    name: 'a trailer of 20 KB',
    bytes: inChunks(`5\r\nabcde\r\n0\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    status: 431
  },
  {
    name: 'trailers are no headers, and end here',
    bytes: inChunks(
      `5\r\nabcde\r\n0\r\nAuthorization: Bearer ${secret}\r\nHost: evil.test\r\nX-Trailer: ${secret}\r\n\r\n`
    ),
    ...once('abcde'),
    got(headers) {
      assert.ok(!headers.has('authorization') && !headers.has('x-trailer'))
      assert.equal(headers.get('x-forwarded-host'), host)
    }
  }
]

const tails: Row[] = [
  { name: 'two requests at once', bytes: post(`${csv}Content-Length: 3`, `abc${second}`), ...both('abc') },
  {
    name: 'two requests, of which the second is garbage',
    bytes: post(`${csv}Content-Length: 3`, 'abcGARBAGE\r\n\r\n'),
    ...once('abc')
  },
  {
    name: 'a request in the body of a GET',
    bytes: get('/x', `Content-Length: ${length}\r\n`) + second,
    ...once(second, '/x')
  },
  {
    name: 'a request behind one that closes',
    bytes: post('Connection: close\r\nContent-Length: 0', second),
    answers: 2,
    ...once()
  },
  { name: 'a body that ends early', bytes: post(`${csv}Content-Length: 10`, 'abc'), ends: true, status: 400 },
  { name: 'a body that is shorter than its length', bytes: post(`${csv}Content-Length: 1000`, second), status: 408 },
  {
    name: 'a whole request, and a second whose body does not come: nobody is told what is not so',
    bytes: post('Content-Length: 0') + post(`${csv}Content-Length: 1000`, 'abc'),
    answers: 2,
    status: [500, 408],
    sees: [[path, '']]
  },
  { name: 'a head that does not end', bytes: post('X: y').slice(0, -4), status: 408 },
  {
    name: 'a head over its limit that does not end',
    bytes: post(`X: ${'y'.repeat(200_000)}`).slice(0, -4),
    status: 431
  },
  { name: 'headers over the limit', bytes: post(`X: ${'y'.repeat(20_000)}\r\nContent-Length: 0`), status: 431 },
  { name: 'thousands of headers over the limit', bytes: post('X-A: yyyy\r\n'.repeat(4000)), status: 431 },
  { name: 'a path over the limit', bytes: get(`/${'x'.repeat(20_000)}`), status: 431 }
]

suite('where a request ends', () => {
  testRows([...lengths, ...codings, ...two, ...lines, ...lineEnds], world)
  testRows([...chunkSizes, ...chunks, ...tails], world)

  test('a refused body that was begun is cut at the system', { timeout: 10_000 }, async () => {
    const cut = world.target.journal.next(({ aborted }) => aborted)
    const large = `${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n`
    const { closed } = await sendRaw(world.url, { bytes: inChunks(`${large}zz\r\n${second}`) })
    assert.ok(closed)
    assert.equal((await cut).bodySha256, '')
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readIds } from '../../cli/ids.ts'
import { freePort } from '../../fleet/ports.ts'
import { write } from '../gateway/command.ts'
import { command, startOps } from './command.ts'

const taken = (count: number) => [200, { success: 1, count }] as const
const unsettled = [
  504,
  { faultcode: 'Server.Dispatcher.fence_unsettled', faultstring: 'Writes are under way' },
  { 'retry-after': '0' }
] as const
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

suite('lists of customers', () => {
  for (const [name, text, message] of [
    ['a word', '7\nseven\n', /^ids\.txt:2: "seven" is not a customer's number\nnothing was told$/],
    ['many: the first five', '1a\nb\nc\nd\ne\nf\ng', /ids\.txt:5: "e" .*\nand 2 more\nnothing was told$/],
    ['a long one, cut', '7'.repeat(500), /^.{0,90}\nnothing was told$/]
  ] as const) {
    test(`refuses ${name}`, () => assert.throws(() => readIds(text, 'ids.txt'), { message }))
  }
})

test('tells in batches, each once the one before is taken, and says how many', async (t) => {
  const ops = await startOps(t, [taken(2), taken(2), [200, { success: 1 }]])
  const file = write(t, { 'ids.txt': '1 2 3\n4 5 5 # twice\n' })('ids.txt')
  const { code, out, err } = await command(['migrate', 'start', '--file', file, '--batch', '2', '--ops', ops.url])
  assert.deepEqual([code, out, err], [0, '2 of 5 started\n4 of 5 started\n5 of 5 started\n', ''])
  const word = (id: number) => ({ i_customer: id, state: 'started', to: 'target' })
  assert.deepEqual(
    ops.heard.map(({ body }) => body),
    [[word(1), word(2)], [word(3), word(4)], word(5)]
  )
  assert.deepEqual([...new Set(ops.heard.map(({ path }) => path))], ['/migrations'])
})

test('numbers may be arguments or the input; --to is told where it is given', async (t) => {
  const ops = await startOps(t, [taken(1)])
  const at = ['--ops', ops.url]
  assert.equal((await command(['migrate', 'finish', '7', '8,9', ...at])).out, '3 of 3 finished\n')
  assert.equal((await command(['migrate', 'fail', '-', ...at], { input: '7\n' })).out, '1 of 1 taken back\n')
  assert.equal((await command(['migrate', 'start', '7', '--to', 'source', ...at])).code, 0)
  assert.deepEqual(
    ops.heard.map(({ body }) => body),
    [
      [7, 8, 9].map((id) => ({ i_customer: id, state: 'finished' })),
      { i_customer: 7, state: 'failed' },
      { i_customer: 7, state: 'started', to: 'source' }
    ]
  )
})

test('a bad list, or wrong usage: nothing is told, and 2', async (t) => {
  const ops = await startOps(t, [taken(1)])
  const file = write(t, { 'ids.txt': '1\n2x\n' })('ids.txt')
  for (const [args, message] of [
    [['start', '--file', file], new RegExp(`^${file}:2: "2x" is not a customer's number\nnothing was told\nTry `)],
    [['start', '--file', `${file}.no`], /cannot be read \(ENOENT\)/],
    [['start', '--file', file, '7'], /not both/],
    [['start'], /there is no customer/],
    [['begin', '7'], /"begin" is not start, finish or fail/],
    [['start', '7', '--to', 'both'], /"both" is not source or target/],
    [['start', '7', '--batch', '0'], /--batch: "0" is not a whole number from 1/],
    [['start', '7', '--token', 'x'], /--token/]
  ] as const) {
    const { code, out, err } = await command(['migrate', ...args, '--ops', ops.url])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
  assert.equal(ops.heard.length, 0)
})

test('writes that do not end: the batch is told again until it is taken', async (t) => {
  const ops = await startOps(t, [taken(2), unsettled, unsettled, taken(2)])
  const { code, out } = await command(['migrate', 'start', '1', '2', '3', '4', '--batch', '2', '--ops', ops.url])
  assert.deepEqual([code, out], [0, '2 of 4 started\n4 of 4 started\n'])
  assert.deepEqual(ops.heard[1], ops.heard[3])
})

suite('what is said when it ends early', () => {
  const cases = [
    {
      name: 'writes that never end: their fence is up, and they are not to be exported',
      answers: [taken(500), unsettled],
      code: 1,
      says: /^500 of 2000 started\n500 customers from 501 to 1000 of the list: their writes are held back, but .*: do not export them yet\nthe other 1000: not told\n/
    },
    {
      name: 'a refusal',
      answers: [taken(500), [400, { faultcode: 'Client.Dispatcher.malformed_request', faultstring: 'no' }]],
      code: 1,
      says: /^500 of 2000 started\n500 customers from 501 to 1000 of the list: not told\nthe other 1000: not told\nthe gateway refuses: Client\.Dispatcher\.malformed_request: no \(400\)\n/
    },
    {
      name: 'a connection that breaks: nobody knows',
      answers: [taken(500), [0, null]],
      code: 3,
      says: /^500 of 2000 started\n500 customers .*: told, but whether the gateway has taken it is not known\nthe other 1000: not told\n.*cannot be reached \(\w+\)/
    },
    {
      name: 'a store that is away, with Retry-After, for too long',
      answers: [[503, { faultcode: 'Server.Dispatcher.store_unavailable' }, { 'retry-after': '1' }]],
      code: 1,
      says: /^0 of 2000 started\n500 customers from 1 to 500 of the list: not told\nthe other 1500: not told\n/
    }
  ] as const
  for (const { name, answers, code, says } of cases) {
    test(name, async (t) => {
      const ops = await startOps(t, answers)
      const args = ['migrate', 'start', '-', '--patience', '0', '--ops', ops.url]
      const told = await command(args, { input: range(1, 2000).join('\n') })
      assert.equal(told.code, code, told.err)
      assert.match(told.err, says)
      assert.match(told.err, /the same command again does no harm\n$/)
    })
  }

  test('nobody listens: nothing was told, and 3', async () => {
    const { code, err } = await command(['migrate', 'start', '7', '--ops', `http://127.0.0.1:${await freePort()}`])
    assert.equal(code, 3)
    assert.match(err, /^0 of 1 started\ncustomer 7: not told\nhttp:.* cannot be reached \(ECONNREFUSED\)/)
  })

  test('a stop between two batches', async (t) => {
    const ops = await startOps(t, [taken(1), unsettled])
    const stop = new AbortController()
    const running = command(['migrate', 'start', '1', '2', '--batch', '1', '--ops', ops.url], { signal: stop.signal })
    while (ops.heard.length < 2) await new Promise(setImmediate)
    stop.abort()
    const { code, err } = await running
    assert.ok(code === 1 || code === 3)
    assert.match(err, /^1 of 2 started\ncustomer 2: .*\nstopped\n/)
  })
})

test('--json: the answers as they are, one a line; the sum is at stderr', async (t) => {
  const refusal = { faultcode: 'Client.Dispatcher.malformed_request', faultstring: 'no' }
  const ops = await startOps(t, [taken(1), [400, refusal]])
  const { out, err } = await command(['migrate', 'start', '1', '2', '--batch', '1', '--json', '--ops', ops.url])
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
    [{ success: 1, count: 1 }, refusal]
  )
  assert.match(err, /^1 of 2 started\n/)
})

test('on a terminal a bar is drawn over itself, and is gone at the end', async (t) => {
  const ops = await startOps(t, [taken(1)])
  const args = ['migrate', 'start', '1', '2', '--batch', '1', '--ops', ops.url]
  const { out, err } = await command(args, { isTTY: true })
  assert.equal(out, '2 of 2 started\n')
  assert.match(err, /\[={15} {15}\] 1 of 2 started/)
  assert.ok(err.endsWith('\r\u001b[K'))
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createTracing, traceHeaders, traceIdOf } from '../../core/trace.ts'

const id = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const good = `00-${id}-${span}-01`
const ids = /^[0-9a-f]{32}$/
const begun = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/

suite('a traceparent', () => {
  const rows: readonly (readonly [what: string, value: string, valid: boolean])[] = [
    ['as the specification has it', good, true],
    ['not sampled', `00-${id}-${span}-00`, true],
    ['of a later version', `cc-${id}-${span}-01`, true],
    ['of a later version that says more', `cc-${id}-${span}-01-what-the-future-brings`, true],
    ['of a later version that says more without a dash', `cc-${id}-${span}-01.what`, false],
    ['of this version that says more', `${good}-more`, false],
    ['of the forbidden version', `ff-${id}-${span}-01`, false],
    ['in upper case', good.toUpperCase(), false],
    ['of a trace id of zeros', `00-${'0'.repeat(32)}-${span}-01`, false],
    ['of a parent of zeros', `00-${id}-${'0'.repeat(16)}-01`, false],
    ['that is too short', good.slice(0, -1), false],
    ['with another letter', good.replace('4b', '4g'), false],
    ['with a space', ` ${good}`, false],
    ['that is empty', '', false],
    ['that came twice', `${good}, ${good}`, false],
    ['of a later version that came twice', `cc-${id}-${span}-01-x, cc-${id}-${span}-01-x`, false]
  ]
  for (const [what, value, valid] of rows) {
    test(`${what} is ${valid ? 'continued' : 'malformed'}`, () => {
      assert.equal(traceIdOf(value), valid ? id : null)
      const trace = createTracing()({ traceparent: value, tracestate: 'a=1' })
      assert.equal(trace.replaces, !valid)
      if (valid) assert.deepEqual([trace.id, trace.begun], [id, null])
      else assert.match(trace.begun ?? '', begun)
    })
  }
})

suite('B3', () => {
  const short = id.slice(16)
  const rows: readonly (readonly [what: string, headers: Record<string, string>, id: string | null])[] = [
    ['in one header', { b3: `${id}-${span}-1` }, id],
    ['in one header, of 64 bits, with a parent', { b3: `${short}-${span}-d-${span}` }, short],
    ['in one header, without a state', { b3: `${id}-${span}` }, id],
    ['in several headers', { 'x-b3-traceid': id, 'x-b3-spanid': span, 'x-b3-sampled': '1' }, id],
    ['in several headers, of 64 bits', { 'x-b3-traceid': short }, short],
    ['in upper case', { 'x-b3-traceid': id.toUpperCase() }, id.toUpperCase()],
    ['that says only not to sample', { b3: '0' }, null],
    ['of another length', { 'x-b3-traceid': id.slice(1) }, null],
    ['of zeros', { 'x-b3-traceid': '0'.repeat(16) }, null],
    ['that is no hex', { b3: `${'x'.repeat(32)}-${span}` }, null],
    ['with a quote for the log', { 'x-b3-traceid': `"${id.slice(1)}` }, null]
  ]
  for (const [what, headers, expected] of rows) {
    test(`${what} ${expected === null ? 'begins a trace' : 'is continued, and no traceparent is added'}`, () => {
      const trace = createTracing()(headers)
      assert.equal(trace.replaces, false)
      if (expected === null) assert.match(trace.begun ?? '', begun)
      else assert.deepEqual([trace.id, trace.begun], [expected, null])
    })
  }

  test('goes on where a traceparent beside it is malformed, and that is dropped', () => {
    const headers = { traceparent: 'x', 'x-b3-traceid': id, 'x-b3-spanid': span }
    const trace = createTracing()(headers)
    assert.deepEqual(trace, { id, begun: null, replaces: true })
    assert.deepEqual(traceHeaders(trace, headers), ['x-b3-traceid', id, 'x-b3-spanid', span])
  })
})

suite('a trace that is begun', () => {
  test('has ids of its own, across pools of randomness', () => {
    const traceOf = createTracing()
    const found = Array.from({ length: 1000 }, () => traceOf({}))
    assert.equal(new Set(found.map((trace) => trace.id)).size, 1000)
    assert.equal(new Set(found.map((trace) => trace.begun?.slice(36, 52))).size, 1000)
    for (const trace of found) {
      assert.match(trace.id, ids)
      assert.match(trace.begun ?? '', begun)
      assert.equal(traceIdOf(trace.begun ?? ''), trace.id)
    }
  })

  test('takes randomness seldom', () => {
    let taken = 0
    const traceOf = createTracing((pool) => {
      taken++
      pool.fill(7)
    })
    for (let made = 0; made < 340; made++) traceOf({})
    assert.equal(taken, 2)
  })

  test('drops a tracestate of no trace', () => assert.equal(createTracing()({ tracestate: 'a=1' }).replaces, true))
})

test('own calls carry what the client sent, or what was begun', () => {
  const headers = { traceparent: good, tracestate: 'a=1', b3: '0', host: 'h', authorization: 'Bearer secret' }
  const continued = createTracing()(headers)
  assert.deepEqual(traceHeaders(continued, headers), ['traceparent', good, 'tracestate', 'a=1', 'b3', '0'])
  const own = createTracing()({ tracestate: 'a=1' })
  assert.deepEqual(traceHeaders(own, { tracestate: 'a=1' }), ['traceparent', own.begun])
})

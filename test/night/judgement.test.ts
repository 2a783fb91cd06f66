/**
 * A night can fail: each of its limits is passed by what it forbids, and a night in which all went well keeps them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { System } from '../../core/words.ts'
import { understand } from '../../night/answers.ts'
import { createBook, type Holding } from '../../night/book.ts'
import { type Wrong, wrongs } from '../../night/judgement.ts'
import { nightLimits } from '../../night/report.ts'
import { dueAfter } from '../../night/writers.ts'
import type { JournalEntry } from '../../simulator/index.ts'
import { type Marked, markedOf, markOf } from '../../soak/arrivals.ts'
import type { Incoming } from '../../soak/load/client.ts'

type Told = readonly [end: 'done' | 'fenced' | 'ended' | 'late' | 'wrong', sentAt: number, endedAt: number]
type Arrived = readonly [system: System, at: number, executed?: boolean, faultcode?: string]

interface Night {
  readonly told: readonly Told[]
  readonly arrived: readonly Arrived[]
  /** What the systems have of the note at the end, by the mark or by another word. */
  readonly holding?: Readonly<Partial<Record<System, number | string>>>
  /** The customer is fenced from 1000 to 3000. */
  readonly journey?: 'moved' | 'failed' | null
}

const sessionFault = 'Server.Session.check_auth.auth_failed'

function bookOf({ told, arrived, holding, journey = 'moved' }: Night) {
  const book = createBook()
  if (journey !== null) {
    book.depart([7], 1000)
    book.arrive([7], 3000, journey === 'moved')
  }
  const mark = book.begin({ iCustomer: 7, holder: 'customer:7', way: 'administrator' })
  for (const [end, sentAt, endedAt] of told) book.tried(mark, { end, cause: end, sentAt, endedAt })
  for (const [system, at, executed = true, faultcode = null] of arrived) {
    book.arrived({ mark, system, at, executed, status: executed ? 200 : 500, faultcode } satisfies Marked)
  }
  const at = journey === 'moved' ? 'target' : 'source'
  const found = Object.entries(holding ?? { [at]: mark }).map(([system, note]) => [
    system,
    typeof note === 'number' ? markOf(note) : note
  ])
  book.close(new Map<string, Holding>([['customer:7', Object.fromEntries(found)]]), markOf)
  return book
}

const wrongIn = (night: Night): Wrong[] =>
  Object.entries(bookOf(night).counts).flatMap(([wrong, count]) => (count > 0 ? [wrong as Wrong] : []))

const before: Told = ['done', 100, 200]
const fenced: Told = ['fenced', 1500, 1510]
const after: Told = ['done', 3500, 3600]

const well: readonly (readonly [name: string, night: Night])[] = [
  ['a write before its customer leaves', { told: [before], arrived: [['source', 150]] }],
  ['one after it has come', { told: [after], arrived: [['target', 3550]] }],
  ['one that waits at the fence', { told: [fenced, after], arrived: [['target', 3550]] }],
  ['one of a customer who stays', { told: [fenced, after], arrived: [['source', 3550]], journey: 'failed' }],
  ['one of a customer whom nobody moves', { told: [before], arrived: [['source', 150]], journey: null }],
  ['one for which "started" waits', { told: [['done', 900, 1010]], arrived: [['source', 910]] }],
  [
    'one that meets an ended session',
    {
      told: [['ended', 3100, 3110], after],
      arrived: [
        ['source', 3105, false, sessionFault],
        ['target', 3550]
      ]
    }
  ]
]

for (const [name, night] of well) {
  test(`night: nothing is wrong with ${name}`, () => assert.deepEqual(wrongIn(night), []))
}

const bad: readonly (readonly [name: string, wrong: readonly Wrong[], night: Night])[] = [
  ['accepted, and nobody has it', ['lost'], { told: [after], arrived: [] }],
  [
    'done twice',
    ['doubled'],
    {
      told: [after],
      arrived: [
        ['target', 3550],
        ['target', 3560]
      ]
    }
  ],
  [
    'done on both',
    ['both', 'astray'],
    {
      told: [after],
      arrived: [
        ['source', 3550],
        ['target', 3560]
      ]
    }
  ],
  [
    'refused, and done all the same',
    ['against', 'givenUp'],
    { told: [['fenced', 3100, 3200]], arrived: [['target', 3150]] }
  ],
  ['done by a try that was refused', ['against'], { told: [['fenced', 100, 200], after], arrived: [['source', 150]] }],
  ['left behind on the source', ['astray'], { told: [after], arrived: [['source', 3550]] }],
  ['too early on the target', ['astray'], { told: [before], arrived: [['target', 150]] }],
  ['behind the fence', ['astray', 'passed'], { told: [['done', 1500, 1600]], arrived: [['source', 1550]] }],
  [
    'refused by a system behind the fence',
    ['passed'],
    {
      told: [fenced, after],
      arrived: [
        ['source', 1505, false, 'Server.Customer.exported'],
        ['target', 3550]
      ]
    }
  ],
  ['under way when "started" is answered', ['early'], { told: [['done', 900, 1900]], arrived: [['source', 910]] }],
  ['refused without a reason', ['unexplained'], { told: [['wrong', 1500, 1510]], arrived: [] }],
  ['not answered in time', ['late'], { told: [['late', 3500, 9500]], arrived: [['target', 3550]] }],
  ['never done', ['givenUp'], { told: [fenced], arrived: [] }],
  ['not in the record', ['stale'], { told: [after], arrived: [['target', 3550]], holding: { target: 'of before' } }],
  [
    'of a customer on both',
    ['split'],
    { told: [after], arrived: [['target', 3550]], holding: { source: 1, target: 1 } }
  ],
  ['of a customer on none', ['split'], { told: [after], arrived: [['target', 3550]], holding: {} }]
]

for (const [name, wrong, night] of bad) {
  test(`night: a write is wrong that is ${name}`, () => assert.deepEqual(wrongIn(night).toSorted(), wrong.toSorted()))
}

test('night: every kind of wrong is one that a night can have, and fails it', () => {
  const seen = new Set(bad.flatMap(([, wrong]) => wrong))
  assert.deepEqual([...seen].toSorted(), Object.keys(wrongs).toSorted())
  const moves = { batches: 1, moved: 1, failed: 0, toldAgain: 0, refusedWords: 0 }
  const failing = (night: Night, more = {}, busyShare = 0.2) =>
    nightLimits({ book: bookOf(night), moves: { ...moves, ...more }, busyShare }, { customers: 1 }).flatMap(
      ({ name, isKept }) => (isKept === false ? [name] : [])
    )
  const whole: Night = { told: [fenced, ['ended', 3100, 3110], after], arrived: [['target', 3550]] }
  assert.deepEqual(failing(whole), [])
  for (const [, [first], night] of bad) assert.ok(failing(night).includes(wrongs[first as Wrong]))
  assert.deepEqual(failing(whole, { refusedWords: 1 }), ['words of moves that a gateway refused'])
  const late: Night = { told: [['late', 3500, 9500]], arrived: [] }
  assert.ok(failing(late).includes(wrongs.late))
  assert.ok(!failing(late, {}, 0.95).includes(wrongs.late), 'a machine that is too busy judges nobody')
  assert.deepEqual(failing(whole, { moved: 0 }), ['customers whose move ended'])
  assert.deepEqual(failing({ told: [after], arrived: [['target', 3550]] }), [
    'writes that met the fence and succeeded after Retry-After',
    'writes that met an ended session and succeeded after a new login'
  ])
})

test('night: the rate rises evenly until it is reached', () => {
  const counts = [0, 1000, 2000, 3000].map((ms) => dueAfter(ms, 100, 2000))
  assert.deepEqual(counts, [0, 25, 100, 200])
  assert.equal(dueAfter(500, 100, 0), 50)
})

const told = (status: number, text: string, headers = {}): Incoming => ({
  ending: 'answered',
  ...{ status, text, headers, ms: 1, error: '' }
})
const moving = 'Server.Dispatcher.migration_in_progress'
const inSoap = `<Envelope><Body><Fault><faultcode>${moving}</faultcode></Fault></Body></Envelope>`
const inGraphql = JSON.stringify({ data: null, errors: [{ message: 'x', extensions: { faultcode: moving } }] })

for (const [name, answer, end, retryAfterMs] of [
  ['success', told(200, '{"i_customer":7}'), 'done', null],
  ['success of GraphQL', told(200, '{"data":{"updateCustomer":{"id":"x"}}}'), 'done', null],
  ['success in an envelope', told(200, '<Envelope><Body/></Envelope>'), 'done', null],
  ['the fence', told(503, `{"faultcode":"${moving}"}`, { 'retry-after': '5' }), 'fenced', 5000],
  ['the fence in an envelope', told(503, inSoap, { 'retry-after': '5' }), 'fenced', 5000],
  ['the fence of GraphQL', told(200, inGraphql), 'fenced', null],
  ['an ended session', told(500, `{"faultcode":"${sessionFault}"}`), 'ended', null],
  ['another fault', told(500, '{"faultcode":"Server.Customer.exported"}'), 'wrong', null],
  ['another status', told(404, '{}'), 'wrong', null],
  [
    'too much under way',
    told(503, '{"faultcode":"Server.Dispatcher.system_unavailable"}', { 'retry-after': '1' }),
    'busy',
    1000
  ],
  ['no patience', { ...told(0, ''), ending: 'unanswered', status: null }, 'late', null],
  ['a page', told(502, 'Bad Gateway'), 'wrong', null],
  ['no answer', { ...told(0, ''), ending: 'no answer', status: null }, 'wrong', null]
] as const) {
  test(`night: a client understands ${name}`, () => {
    const understood = understand(answer)
    assert.deepEqual([understood.end, understood.retryAfterMs], [end, retryAfterMs])
  })
}

const entry = (body: string, url = '/rest/Customer/update_customer') =>
  ({ body: Buffer.from(body), url, write: true, sessionId: 's', faultcode: null, status: 200, at: 5 }) as JournalEntry

for (const [form, one] of [
  ['JSON', entry(`{"params":{"customer_info":{"note":"${markOf(12)}"}}}`)],
  ['a form', entry(`params=${encodeURIComponent(JSON.stringify({ note: markOf(12) }))}`)],
  [
    'the path',
    entry('', `/rest/Customer/update_customer//${encodeURIComponent(JSON.stringify({ note: markOf(12) }))}`)
  ],
  ['an envelope', entry(`<note>${markOf(12)}</note>`)]
] as const) {
  test(`night: a mark is found in ${form}`, () => {
    const marked = markedOf('source', one)
    assert.deepEqual(marked, { mark: 12, system: 'source', at: 5, executed: true, status: 200, faultcode: null })
    assert.equal(markedOf('source', { ...one, write: false }), null)
  })
}

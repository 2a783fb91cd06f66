/**
 * The drill can fail: each limit is passed by what it forbids, and only what the contract foresees is foreseen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Drilled, drillLimits } from '../../fleet/drill/limits.ts'
import { type Phase, phaseNames } from '../../fleet/drill/phases.ts'
import {
  awayReason,
  blindReason,
  createWeather,
  endedSession,
  healMs,
  slowReason,
  storeFault
} from '../../fleet/drill/weather.ts'
import type { ClientError } from '../../soak/errors.ts'
import type { Actor, Session } from '../../soak/load/actors.ts'
import type { Told } from '../../soak/load/books.ts'
import { createRecorder } from '../../soak/recorder.ts'
import { arrivalOf, endedAt, executed, ledgerWith, sentAt, write } from '../soak/judged.ts'

const kill = { orderedAt: 1000, goneAt: 1010, underWay: 2 }

const phase = (name: string): Phase => ({
  name,
  seconds: 1,
  requests: 10,
  logins: 1,
  window: { name, openedAt: 0, samples: [], cpuShare: 0 },
  busyShare: 0
})

/** A drill in which all went well. */
function drilled(): Drilled {
  const recorder = createRecorder()
  recorder.counts.events = 1
  return {
    run: {
      phases: Object.values(phaseNames).map(phase),
      kill,
      survey: { singleHome: { used: 5, worked: 4, ofMoved: 1 }, pairs: { used: 3, worked: 1, ended: 2 } }
    },
    ledger: ledgerWith(),
    recorder: { counts: recorder.counts, errors: { unforeseen: [], rows: () => [] } },
    moves: { moves: 1, failedMoves: 0 }
  }
}

const error = (phaseName: string, from: number, to: number): ClientError => ({
  phase: phaseName,
  cause: '502 Server.Dispatcher.bad_gateway',
  foreseen: null,
  what: 'Customer/get_customer_info #1',
  sentAt: from,
  endedAt: to
})
const withErrors = (well: Drilled, ...unforeseen: ClientError[]): Drilled => ({
  ...well,
  recorder: { ...well.recorder, errors: { ...well.recorder.errors, unforeseen } }
})
const underWay = error(phaseNames.killed, 990, 1005)

/** With a request that ended as the ledger was told, and arrived there. */
function withWrite(well: Drilled, arrivals: readonly ('source' | 'target')[], status: number): Drilled {
  const ledger = ledgerWith()
  ledger.sent({ id: 1, session: null, sentAt, ...write })
  for (const system of arrivals) ledger.arrived(arrivalOf(system, executed))
  ledger.answered(1, { endedAt, status, isSilent: false })
  ledger.settle(Infinity)
  return { ...well, ledger }
}

function withPages(well: Drilled, wrongPages: number): Drilled {
  return { ...well, recorder: { ...well.recorder, counts: { ...well.recorder.counts, wrongPages } } }
}

function withSlowStore(well: Drilled, busyShare: number): Drilled {
  const name = phaseNames.steady
  const rows = () => [{ phase: name, cause: storeFault, foreseen: slowReason, count: 1 }]
  const phases = well.run.phases.map((one) => (one.name === name ? { ...one, busyShare } : one))
  const recorder = { ...well.recorder, errors: { ...well.recorder.errors, rows } }
  return { ...well, run: { ...well.run, phases }, recorder }
}

const cases: readonly { name: string; make: (well: Drilled) => Drilled; broken: readonly RegExp[] }[] = [
  { name: 'all went well', make: (well) => well, broken: [] },
  { name: 'a write was carried out once', make: (well) => withWrite(well, ['source'], 200), broken: [] },
  {
    name: 'a write was carried out twice',
    make: (well) => withWrite(well, ['source', 'source'], 200),
    broken: [/doubled/]
  },
  { name: 'a write was carried out nowhere', make: (well) => withWrite(well, [], 200), broken: [/lost/] },
  {
    name: 'a write came to the wrong system',
    make: (well) => withWrite(well, ['target'], 200),
    broken: [/^wrong-system/]
  },
  { name: 'a merged list was not whole', make: (well) => withPages(well, 1), broken: [/merged pages/] },
  {
    name: 'one error in the rolling restart',
    make: (well) => withErrors(well, error(phaseNames.rolling, 0, 1)),
    broken: [/rolling restart/]
  },
  { name: 'what was under way at the kill failed', make: (well) => withErrors(well, underWay, underWay), broken: [] },
  {
    name: 'more failed at the kill than was under way',
    make: (well) => withErrors(well, underWay, underWay, underWay),
    broken: [/at most what was under way/]
  },
  {
    name: 'what was asked on a WebSocket ended with it at the kill',
    make: (well) => withErrors(well, underWay, underWay, { ...underWay, cause: 'its WebSocket ended' }),
    broken: []
  },
  {
    name: 'what was sent after the kill failed',
    make: (well) => withErrors(well, error(phaseNames.killed, 1011, 1020)),
    broken: [/not under way/]
  },
  { name: 'Redis was too slow', make: (well) => withSlowStore(well, 0.5), broken: [/too slow/] },
  {
    name: 'Redis was too slow on a busy machine, which is not judged',
    make: (well) => withSlowStore(well, 0.9),
    broken: []
  },
  {
    name: 'a call other than a read was sent again',
    make: (well) => ({ ...well, ledger: { ...well.ledger, repeated: new Map([['Session/logout', 1]]) } }),
    broken: [/nothing but reads/]
  },
  {
    name: 'a read was sent again',
    make: (well) => ({ ...well, ledger: { ...well.ledger, repeated: new Map([['Customer/get_customer_info', 9]]) } }),
    broken: []
  },
  {
    name: 'a session was not there when Redis was back',
    make: (well) => {
      const { singleHome, pairs } = well.run.survey
      const survey = { singleHome: { ...singleHome, used: 6 }, pairs: { ...pairs, used: 4 } }
      return { ...well, run: { ...well.run, survey } }
    },
    broken: [/on one system works/, /on both systems answers/]
  },
  {
    name: 'nobody logged in while Redis was away',
    make: (well) => {
      const phases = well.run.phases.map((one) => (one.name === phaseNames.redisAway ? { ...one, logins: 0 } : one))
      return { ...well, run: { ...well.run, phases } }
    },
    broken: [/^logins while/]
  }
]

for (const { name, make, broken } of cases) {
  test(`drill: ${name}: ${broken.length === 0 ? 'passed' : 'failed'}`, () => {
    const failed = drillLimits(make(drilled())).filter(({ isKept }) => isKept === false)
    assert.equal(failed.length, broken.length, JSON.stringify(failed))
    for (const [at, pattern] of broken.entries()) assert.match(failed[at]?.name ?? '', pattern)
  })
}

const staff = { realm: 'admin' } as Actor
const somebody = { realm: 'customer' } as Actor
const question = { call: 'Customer/get_customer_list', expected: { kind: 'any' } } as const
const pair = { isPair: true, renewedAt: 500 } as Session
const told = (status: number, faultcode: string, more: Partial<Told> = {}): Told => ({
  ...{ ending: 'answered', text: '', ms: 1, error: '', json: null, sentAt: 1500, endedAt: 1510 },
  ...{ status, faultcode, headers: { 'retry-after': '1' } },
  ...more
})
const unavailable = told(503, storeFault)
const ended = told(500, endedSession)

/** Redis goes at 1000 and is back at 2000. */
const stormy = (isEmptied: boolean) => {
  const weather = createWeather()
  weather.redisGoes(1000, isEmptied)(2000)
  return weather.foreseen
}
const later = { sentAt: 2001 + healMs, endedAt: 2002 + healMs }

interface Met {
  readonly name: string
  readonly actor?: Actor
  readonly session?: Session | null
  readonly call?: string
  readonly isCommand?: boolean
  readonly isWrite?: boolean
  readonly hangs?: boolean
  readonly answer: Told
  readonly isForeseen: boolean | string
}

const weathers: readonly Met[] = [
  { name: 'a pair that Redis had ends', answer: ended, isForeseen: true },
  { name: 'it ends much later', answer: { ...ended, ...later }, isForeseen: true },
  {
    name: 'a pair of afterwards ends',
    session: { ...pair, renewedAt: later.sentAt },
    answer: ended,
    isForeseen: false
  },
  { name: 'a session on one system ends', actor: somebody, answer: ended, isForeseen: false },
  { name: 'a pair ends with another fault', answer: told(500, 'Server.X.y'), isForeseen: false },
  { name: 'a pair cannot be had', answer: unavailable, isForeseen: awayReason },
  { name: 'a session on one system cannot be had', actor: somebody, answer: unavailable, isForeseen: false },
  {
    name: 'a write on one system may be fenced',
    actor: somebody,
    isWrite: true,
    answer: unavailable,
    isForeseen: blindReason
  },
  { name: 'such a write ends its session', actor: somebody, isWrite: true, answer: ended, isForeseen: false },
  { name: 'nothing says when to try again', answer: { ...unavailable, headers: {} }, isForeseen: false },
  {
    name: 'a command tells the same',
    isCommand: true,
    answer: { ...told(500, storeFault), headers: {} },
    isForeseen: true
  },
  { name: 'a pair cannot be had afterwards', answer: { ...unavailable, ...later }, isForeseen: slowReason },
  { name: 'nobody knows a token', session: null, answer: unavailable, isForeseen: true },
  { name: 'a login is refused', session: null, call: 'Session/login', answer: unavailable, isForeseen: false },
  { name: 'Redis hung, and a pair of before ends', hangs: true, answer: ended, isForeseen: false },
  {
    name: 'Redis hung, and a pair of then ends',
    hangs: true,
    session: { ...pair, renewedAt: 1500 },
    answer: ended,
    isForeseen: true
  }
]

for (const { name, isForeseen, answer, ...met } of weathers) {
  test(`weather: ${name}: ${isForeseen ? 'foreseen' : 'an error'}`, () => {
    const {
      actor = staff,
      session = pair,
      hangs = false,
      call = question.call,
      isCommand = false,
      isWrite = false
    } = met
    const reason = stormy(!hangs).answer(actor, session, { ...question, call, isCommand, isWrite }, answer)
    assert.equal(typeof isForeseen === 'string' ? reason : reason !== null, isForeseen)
  })
}

test('weather: a gateway that stops says so to its WebSockets, and only then', () => {
  const { foreseen, stopsBegin } = createWeather()
  stopsBegin(1000)(2000)
  assert.deepEqual(
    [foreseen.close(1001, 1500), foreseen.close(1001, 2500), foreseen.close(1006, 1500)],
    ['a gateway that stops', null, null]
  )
  const cut = { ...told(0, ''), ending: 'its WebSocket ended' } as const
  assert.notEqual(foreseen.answer(staff, null, question, cut), null)
  assert.equal(foreseen.answer(staff, null, question, { ...cut, ...later }), null)
})

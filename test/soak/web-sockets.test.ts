/**
 * The soak tells what is wrong with the messages of a WebSocket: events that are missing, that come twice, or that are for
 * somebody else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { System } from '../../core/words.ts'
import { createDice } from '../../soak/dice.ts'
import { castOf, type Session } from '../../soak/load/actors.ts'
import { createHearing, createLine, hasHeard } from '../../soak/load/lines.ts'
import { createRecorder } from '../../soak/recorder.ts'

const account = { login: 'staff', password: 'p' }
const [actor] = castOf([], { admin: account, reseller: account }, createDice(1, 'cast')).listening

const session = (more: Partial<Session>): Session => ({
  accessToken: 't',
  refreshToken: 'r',
  cookie: '',
  sessionId: 'mine',
  lives: 'source',
  isPair: false,
  openedAt: 0,
  renewedAt: 0,
  shakenAt: Infinity,
  context: null,
  ...more
})
const pair = { isPair: true, lives: 'target' } as const

type Event = readonly [system: System, tick: number, session?: string]

interface Case {
  readonly name: string
  readonly session?: Partial<Session>
  readonly events: readonly Event[]
  readonly wrong: Partial<Record<'wrongContents' | 'lostEvents' | 'doubledEvents', number>>
}

const cases: readonly Case[] = [
  {
    name: 'events in a row',
    events: [
      ['source', 5],
      ['source', 6]
    ],
    wrong: {}
  },
  {
    name: 'a gap',
    events: [
      ['source', 5],
      ['source', 8]
    ],
    wrong: { lostEvents: 2 }
  },
  {
    name: 'the same twice',
    events: [
      ['source', 5],
      ['source', 5]
    ],
    wrong: { doubledEvents: 1 }
  },
  { name: 'the other system', events: [['target', 5]], wrong: { wrongContents: 1 } },
  { name: 'another session', events: [['source', 5, 'theirs']], wrong: { wrongContents: 1 } },
  {
    name: 'both systems, of a pair',
    session: pair,
    events: [
      ['source', 5, 'half'],
      ['target', 5],
      ['source', 6, 'half'],
      ['target', 6]
    ],
    wrong: {}
  },
  {
    name: "another session's half",
    session: pair,
    events: [
      ['source', 5, 'half'],
      ['source', 6, 'theirs']
    ],
    wrong: { wrongContents: 1 }
  }
]

function heard(more: Partial<Session>, messages: readonly object[]) {
  const recorder = createRecorder()
  const line = { ...createLine(actor ?? assert.fail('nobody listens')), session: session(more) }
  const onMessage = createHearing(recorder)
  for (const message of messages) onMessage(line, JSON.stringify(message))
  return { recorder, line }
}

for (const { name, session: more = {}, events, wrong } of cases) {
  test(`WebSockets: ${name}: ${Object.keys(wrong).join(', ') || 'fine'}`, () => {
    const { recorder } = heard(
      more,
      events.map(([system, tick, whose = 'mine']) => ({ event: 'soak', system, session: whose, tick }))
    )
    const { wrongContents, lostEvents, doubledEvents, events: count } = recorder.counts
    const none = { wrongContents: 0, lostEvents: 0, doubledEvents: 0 }
    assert.deepEqual({ wrongContents, lostEvents, doubledEvents }, { ...none, ...wrong })
    assert.equal(count, events.length)
  })
}

test('WebSockets: an answer that nobody waits for came twice, and events of the systems themselves are no matter', () => {
  const { recorder } = heard({}, [
    { response: 'originate_call', id: 7, data: {} },
    { event: 'sip_call', data: {} }
  ])
  assert.equal(recorder.counts.doubledEvents, 1)
  assert.equal(recorder.examples.length, 1)
})

test('WebSockets: who must hear both systems has not heard everything from one', () => {
  const { line } = heard(pair, [{ event: 'soak', system: 'target', session: 'mine', tick: 9 }])
  assert.equal(hasHeard({ ...line, hears: ['target'] }, 9), true)
  assert.equal(hasHeard({ ...line, hears: ['target'] }, 10), false)
  assert.equal(hasHeard({ ...line, hears: ['source', 'target'] }, 9), false)
})

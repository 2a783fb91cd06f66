/**
 * The soak's ledger tells where a call that names a customer may be: where the customer is, and elsewhere only for a reason
 * of the contract. Customer 7 lives on the target, unless a case moves it.
 */
import { absent, customer, endedAt, executed, locatedRead, locatedWrite, move, sentAt, testCases } from './judged.ts'

const pageOfMover = {
  call: '/dashboard',
  customer,
  session: { openedAt: sentAt - 5000, shakenAt: Number.POSITIVE_INFINITY },
  expected: { kind: 'system', system: 'target' }
} as const
const moved = move(true, sentAt - 2000, sentAt - 1000)

testCases([
  {
    name: 'a page of who has moved since the login',
    mark: pageOfMover,
    given: moved,
    arrivals: [['source', {}]],
    verdict: []
  },
  {
    name: 'a page of who has moved, and back before it is judged',
    mark: pageOfMover,
    given(places) {
      moved(places)
      places.end(places.begin(customer, 'target', true, endedAt + 600), endedAt + 700, true)
    },
    arrivals: [['source', {}]],
    verdict: []
  },
  { name: 'a page of who has not', mark: pageOfMover, arrivals: [['source', {}]], verdict: ['wrong system'] },
  {
    name: 'a page of a session of after the move',
    mark: { ...pageOfMover, session: { ...pageOfMover.session, openedAt: sentAt - 100 } },
    given: moved,
    arrivals: [['source', {}]],
    verdict: ['wrong system']
  },
  {
    name: 'a call of who has moved since the login',
    mark: { ...pageOfMover, call: 'Customer/get_customer_info' },
    given: moved,
    arrivals: [['source', {}]],
    verdict: ['wrong system']
  },
  { name: 'a located write where the customer is', mark: locatedWrite, arrivals: [['target', executed]], verdict: [] },
  {
    name: 'a located write where the customer is not',
    mark: locatedWrite,
    seen: { status: 500 },
    arrivals: [['source', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a located write during a move of its customer',
    mark: locatedWrite,
    given: move(true, sentAt - 5, sentAt + 5),
    arrivals: [['target', executed]],
    verdict: []
  },
  {
    name: 'a located write long after a move that was told',
    mark: locatedWrite,
    seen: { status: 500 },
    given: move(true, sentAt - 3000, sentAt - 2990),
    arrivals: [['target', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a located write while a move that nobody told may be unknown',
    mark: locatedWrite,
    seen: { status: 500 },
    given: move(false, sentAt - 3000, sentAt - 2990),
    arrivals: [['target', absent]],
    verdict: []
  },
  {
    name: 'a located write after what is remembered has run out',
    mark: locatedWrite,
    seen: { status: 500 },
    given: move(false, sentAt - 9000, sentAt - 8990),
    arrivals: [['target', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a located write before a move that followed it',
    mark: locatedWrite,
    given: move(true, endedAt + 100, endedAt + 110),
    arrivals: [['target', executed]],
    verdict: []
  },
  {
    name: 'a located write before a move, on the system of after it',
    mark: locatedWrite,
    seen: { status: 500 },
    given: move(true, endedAt + 100, endedAt + 110),
    arrivals: [['source', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a move of another customer, which excuses nothing',
    mark: locatedWrite,
    seen: { status: 500 },
    given: (places) => places.end(places.begin(8, 'source', true, sentAt - 5), sentAt + 5, true),
    arrivals: [['source', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a read that was told "not there" and tried on the other system',
    mark: locatedRead,
    arrivals: [
      ['target', absent],
      ['source', { at: endedAt }]
    ],
    verdict: []
  },
  {
    name: 'a write that was told "not there" and tried on the other system',
    mark: locatedWrite,
    arrivals: [
      ['target', absent],
      ['source', { ...executed, at: endedAt }]
    ],
    verdict: ['wrong system']
  },
  {
    name: 'a source customer on the target while lookups were left unclear',
    mark: locatedRead,
    given(places) {
      move(true, 0, 1)(places)
      places.noteUnclear('account:9', sentAt)
    },
    arrivals: [['target', absent]],
    verdict: []
  },
  {
    name: 'a target customer on the source, for which an unclear lookup is no reason',
    mark: locatedRead,
    given: (places) => places.noteUnclear('account:9', sentAt),
    arrivals: [['source', absent]],
    verdict: ['wrong system']
  },
  {
    name: 'a source customer on the target in a session whose half on the source is lost',
    mark: { ...locatedRead, session: { openedAt: 0, shakenAt: sentAt - 1 } },
    given: move(true, 0, 1),
    arrivals: [['target', absent]],
    verdict: []
  }
])

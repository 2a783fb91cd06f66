/** What clients may see while customers move, and what is an error nevertheless. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForeseen } from '../../soak/foreseen.ts'
import type { Actor } from '../../soak/load/actors.ts'
import type { Question, Told } from '../../soak/load/books.ts'
import { createPlaces } from '../../soak/places.ts'
import { customer, endedAt, located, onSource, sentAt } from './judged.ts'

const actorOf = (one: number | null) => ({ customer: one, realm: one === null ? 'admin' : 'customer' }) as Actor
const fenced = {
  ending: 'answered',
  status: 503,
  faultcode: 'Server.Dispatcher.migration_in_progress',
  sentAt,
  endedAt
} as Told

const rows = [
  { what: "a mover's own write", who: customer, isWrite: true, expected: onSource, isForeseen: true },
  { what: "an administrator's write about a mover", who: null, isWrite: true, expected: located, isForeseen: true },
  { what: "a mover's read", who: customer, isWrite: false, expected: onSource, isForeseen: false },
  { what: "somebody else's write", who: 8, isWrite: true, expected: onSource, isForeseen: false }
] as const

for (const { what, who, isWrite, expected, isForeseen } of rows) {
  test(`fenced, ${what}: ${isForeseen ? 'foreseen' : 'an error'}`, () => {
    const places = createPlaces(new Map([[customer, 'target']]), { memoryMs: 5000, graceMs: 500 })
    places.begin(customer, 'source', true, sentAt - 10)
    const question = { call: 'Customer/update_customer', isWrite, expected } as Question
    const reason = createForeseen(places).answer(actorOf(who), null, question, fenced)
    assert.equal(reason !== null, isForeseen)
  })
}

/**
 * Cases for the soak's ledger: one request each, what its client saw, where it arrived, and what is wrong with that.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Arrival } from '../../soak/arrivals.ts'
import { createLedger, type Expected, type Mark, type Seen, type Wrong } from '../../soak/ledger.ts'
import { createPlaces, type Places } from '../../soak/places.ts'

export const sentAt = 100_000
export const endedAt = 100_020
export const customer = 7
export const located: Expected = { kind: 'located', customer, names: ['customer:7', 'account:9'] }
export const onSource: Expected = { kind: 'system', system: 'source' }

export const executed: Partial<Arrival> = { executed: true }
export const refused: Partial<Arrival> = { status: 500, faultcode: 'Server.Session.check_auth.auth_failed' }
export const absent: Partial<Arrival> = { status: 500, faultcode: 'Server.Customer.not_found' }
export const broken: Partial<Arrival> = { status: null }

export interface Case {
  readonly name: string
  readonly mark?: Partial<Mark>
  readonly seen?: Partial<Seen>
  readonly arrivals: readonly (readonly [system: 'source' | 'target', arrival: Partial<Arrival>])[]
  /** What else happened. */
  readonly given?: (places: Places) => void
  readonly verdict: readonly Wrong[]
}

export const move = (isTold: boolean, begun: number, ended: number) => (places: Places) =>
  places.end(places.begin(customer, 'source', isTold, begun), ended, true)

export const write = { isWrite: true, call: 'Customer/update_customer', expected: onSource } as const
export const locatedWrite = { ...write, expected: located } as const
export const locatedRead = { expected: located } as const
export const failed = { status: 502 } as const

export const arrivalOf = (system: 'source' | 'target', more: Partial<Arrival>): Arrival => ({
  id: 1,
  system,
  at: sentAt + 10,
  call: 'Customer/get_customer_info',
  executed: false,
  status: 200,
  faultcode: null,
  about: null,
  ...more
})

export function ledgerWith(given: (places: Places) => void = () => {}) {
  const places = createPlaces(
    new Map([
      [customer, 'target'],
      [8, 'target']
    ]),
    { memoryMs: 5000, graceMs: 500 }
  )
  given(places)
  return createLedger(places)
}

export const wrongsOf = ({ counts }: Pick<ReturnType<typeof createLedger>, 'counts'>) =>
  Object.entries(counts).flatMap(([wrong, count]) => Array<string>(count).fill(wrong))

export function testCases(cases: readonly Case[]) {
  for (const { name, mark, seen, arrivals, given, verdict } of cases) {
    test(`ledger: ${name}: ${verdict.join(', ') || 'fine'}`, () => {
      const ledger = ledgerWith(given)
      const call = 'Customer/get_customer_info'
      ledger.sent({ id: 1, call, isWrite: false, expected: onSource, session: null, sentAt, ...mark })
      for (const [system, arrival] of arrivals) ledger.arrived(arrivalOf(system, arrival))
      ledger.answered(1, { endedAt, status: 200, isSilent: false, ...seen })
      ledger.settle(Infinity)
      assert.deepEqual(wrongsOf(ledger), verdict)
      assert.equal(ledger.examples.length, verdict.length, 'each wrong is told')
    })
  }
}

/** Fences, and the tickets of writes that are on their way: no write passes one that it was not waited for. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Fault } from '../../core/faults.ts'
import { type Fence, Fences, retryAfterOf } from '../../core/fences.ts'
import { agreed, itemsOf, linesOf } from '../../core/migration-words.ts'
import { createTickets } from '../../core/tickets.ts'

const fence = (iCustomer: number, more: Partial<Fence> = {}): Fence => ({
  iCustomer,
  to: 'target',
  since: 0,
  until: 1000,
  token: 'one',
  ...more
})

suite('fences', async () => {
  test('one that is over does not come up again; another of the same customer does', () => {
    const fences = new Fences()
    assert.ok(fences.put(fence(7)))
    assert.equal(fences.end(7)?.token, 'one')
    assert.equal(fences.put(fence(7)), false)
    fences.noteOver(8, 'late')
    assert.equal(fences.put(fence(8, { token: 'late' })), false)
    assert.ok(fences.put(fence(7, { token: 'two' })))
    assert.ok(fences.put(fence(7, { token: 'three' })), 'it takes the place of the second')
    assert.equal(fences.put(fence(7, { token: 'two' })), false)
    assert.equal(fences.get(7)?.token, 'three')
  })

  test('an end is known to whoever decided before it', () => {
    const fences = new Fences()
    const before = fences.now
    fences.put(fence(7))
    assert.equal(fences.hasEndedSince(before, new Set([7])), false)
    fences.end(7)
    assert.equal(fences.hasEndedSince(before, new Set([7])), true)
    assert.equal(fences.hasEndedSince(before, new Set([8])), false)
    assert.equal(fences.hasEndedSince(before, null), true)
    assert.equal(fences.hasEndedSince(fences.now, null), false)
  })

  test('of very many ends none is taken for none', () => {
    const fences = new Fences()
    for (let id = 1; id <= 50_001; id++) {
      fences.put(fence(id))
      fences.end(id)
    }
    assert.equal(fences.hasEndedSince(0, new Set([1])), true, 'it is not kept any more')
    assert.equal(fences.hasEndedSince(fences.now - 1, new Set([1])), false)
  })

  test('are listed by age, and due by their time', () => {
    const fences = new Fences()
    for (const [id, since, until] of [
      [1, 5, 50],
      [2, 3, 90]
    ] as const)
      fences.put(fence(id, { since, until }))
    assert.deepEqual(
      fences.list().map(({ iCustomer }) => iCustomer),
      [2, 1]
    )
    assert.deepEqual(
      fences.due(50).map(({ iCustomer }) => iCustomer),
      [1]
    )
    assert.equal(fences.nextUntil, 50)
    assert.deepEqual(
      [retryAfterOf({ until: 9_000 }, 0), retryAfterOf({ until: 1_100 }, 0), retryAfterOf({ until: 0 }, 9)],
      [5, 2, 1]
    )
  })
})

suite('tickets', async () => {
  async function isDone(promise: Promise<void>) {
    let done = false
    promise.then(() => {
      done = true
    })
    await turn()
    return done
  }

  test('whoever waits waits for those that concern the customer, or could, and for none that is taken later', async () => {
    const tickets = createTickets()
    const [unknown, mine, other] = [tickets.take(0), tickets.take(0), tickets.take(0)]
    mine.concern(new Set([7]))
    other.concern(new Set([8]))
    const waiting = tickets.settle(new Set([7, 9]))
    tickets.take(0)
    assert.equal(await isDone(waiting), false)
    mine.end()
    assert.equal(await isDone(waiting), false, 'the other could be anybody')
    unknown.concern(new Set([8]))
    assert.equal(await isDone(waiting), true)
    assert.equal(tickets.size, 3)
    mine.end()
    assert.equal(tickets.size, 3)
  })

  test('one that could be anybody is asked when it takes long, and stays anybody where that fails', async () => {
    const tickets = createTickets()
    const [told, untold] = [tickets.take(0), tickets.take(0)]
    told.identify = async () => new Set([8])
    untold.identify = async () => {
      throw new Error('away')
    }
    const waiting = tickets.settle(new Set([7]))
    const other = tickets.take(0)
    other.concern(new Set([1]))
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual(told.customers, new Set([8]))
    assert.equal(await isDone(waiting), false)
    untold.end()
    assert.equal(await isDone(waiting), true)
  })
})

suite('many words', async () => {
  test('are read by line and by index', () => {
    assert.deepEqual(linesOf('\n{"a":1}\r\n\n2'), [
      { place: 'line 2', value: { a: 1 } },
      { place: 'line 4', value: 2 }
    ])
    assert.throws(
      () => linesOf('{}\n{"secret'),
      (error) => error instanceof Fault && /line 2 is not JSON/.test(error.message)
    )
    assert.deepEqual(itemsOf(['x']), [{ place: '[0]', value: 'x' }])
  })

  test('said twice are one, and contradictions are told by their places', () => {
    const word = (i_customer: number, state: string, to?: string) => ({
      i_customer,
      state,
      ...(to !== undefined && { to })
    })
    assert.deepEqual(
      agreed([
        ['a', word(1, 'started')],
        ['b', word(1, 'started')],
        ['c', word(2, 'failed')]
      ]),
      [word(1, 'started'), word(2, 'failed')]
    )
    for (const [one, other, why] of [
      [word(1, 'started'), word(1, 'failed'), /a and b: state/],
      [word(1, 'started', 'target'), word(1, 'started', 'source'), /a and b: to/]
    ] as const) {
      assert.throws(
        () =>
          agreed([
            ['a', one],
            ['b', other]
          ]),
        why
      )
    }
    assert.throws(() => agreed([]), /names no customer/)
  })
})

/** Turns of a system: how many at once, who is next, and who waits in vain. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type SlotLimits, Slots } from '../../plugins/upstreams/slots.ts'

const limits = { inFlight: 2, queue: 2, wait: 500 }

function createSlots(more: Partial<SlotLimits> = {}) {
  const slots = new Slots({ ...limits, ...more })
  const told: string[] = []
  return {
    slots,
    told,
    take: (name: string, isOfUse = true) =>
      slots.take({
        onTurn() {
          told.push(`${name}: turn`)
          return isOfUse
        },
        onNoTurn: () => told.push(`${name}: none`)
      }),
    counts: () => [slots.taken, slots.waiting]
  }
}

suite('a turn', async () => {
  test('is there at once while there are some, and nobody is told', () => {
    const { take, told, counts } = createSlots()
    assert.equal(take('a'), true)
    assert.equal(take('b'), true)
    assert.deepEqual(counts(), [2, 0])
    assert.deepEqual(told, [])
  })

  test('that is given back goes to the one who waits longest', () => {
    const { slots, take, told, counts } = createSlots()
    for (const name of ['a', 'b', 'c', 'd']) take(name)
    assert.deepEqual(counts(), [2, 2])
    slots.give()
    assert.deepEqual(told, ['c: turn'])
    assert.deepEqual(counts(), [2, 1])
    slots.give()
    assert.deepEqual(told, ['c: turn', 'd: turn'])
    slots.give()
    slots.give()
    assert.deepEqual(counts(), [0, 0])
    assert.equal(take('e'), true)
  })

  test('that is of no use goes on to the next; the last one is free again', () => {
    const { slots, take, told, counts } = createSlots({ queue: 3 })
    take('a')
    take('b')
    take('c', false)
    take('d')
    take('e', false)
    slots.give()
    assert.deepEqual(told, ['c: turn', 'd: turn'])
    assert.deepEqual(counts(), [2, 1])
    slots.give()
    assert.deepEqual(told, ['c: turn', 'd: turn', 'e: turn'])
    assert.deepEqual(counts(), [1, 0])
  })

  test('may be of no use to very many, one after the other', () => {
    const { slots, take, told, counts } = createSlots({ inFlight: 1, queue: 20_000, wait: 60_000 })
    take('first')
    for (let at = 0; at < 20_000; at++) take('', false)
    slots.give()
    assert.equal(told.length, 20_000)
    assert.deepEqual(counts(), [0, 0])
  })
})

suite('whoever waits', async () => {
  test('is refused at once when too many do', () => {
    const { take, told, counts } = createSlots()
    for (const name of ['a', 'b', 'c', 'd']) take(name)
    assert.equal(take('e'), false)
    assert.deepEqual(told, ['e: none'])
    assert.deepEqual(counts(), [2, 2])
  })

  test('is refused where nobody may wait', () => {
    const { take, told, counts } = createSlots({ queue: 0 })
    for (const name of ['a', 'b', 'c']) take(name)
    assert.deepEqual(told, ['c: none'])
    assert.deepEqual(counts(), [2, 0])
  })

  test('is refused after the longest wait, each after its own, and hears nothing more', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { slots, take, told, counts } = createSlots()
    for (const name of ['a', 'b', 'c']) take(name)
    t.mock.timers.tick(200)
    take('d')
    t.mock.timers.tick(299)
    assert.deepEqual(told, [])
    t.mock.timers.tick(1)
    assert.deepEqual(told, ['c: none'])
    assert.deepEqual(counts(), [2, 1])
    slots.give()
    assert.deepEqual(told, ['c: none', 'd: turn'])
    t.mock.timers.tick(10_000)
    assert.deepEqual(told, ['c: none', 'd: turn'])
    assert.deepEqual(counts(), [2, 0])
  })

  test('is refused at the end, and no timer survives it', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { slots, take, told, counts } = createSlots()
    for (const name of ['a', 'b', 'c', 'd']) take(name)
    slots.close()
    assert.deepEqual(told, ['c: none', 'd: none'])
    assert.deepEqual(counts(), [2, 0])
    t.mock.timers.tick(10_000)
    assert.equal(told.length, 2)
  })
})

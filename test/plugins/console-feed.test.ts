import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFeed, keptBatches, keptEntries, type Word } from '../../plugins/console/feed.ts'

const word = (
  iCustomer: number,
  state: Word['state'],
  at: number,
  more: { to?: Word['to']; by?: Word['by'] } = {}
): Word => ({
  iCustomer,
  state,
  to: more.to === undefined ? 'target' : more.to,
  at,
  by: more.by ?? 'told'
})

function heard(...words: readonly Word[]) {
  const feed = createFeed()
  for (const one of words) feed.hear(one)
  return feed
}

const many = (count: number, state: Word['state'], at: number, first = 1) =>
  Array.from({ length: count }, (_none, more) => word(first + more, state, at + Math.floor(more / 100)))

test('words of one kind that come together are one entry, newest first', () => {
  const feed = heard(...many(2000, 'started', 1000), word(1, 'finished', 5000), word(2, 'finished', 5200))
  assert.deepEqual(
    feed.entries().map(({ iCustomer, count, state }) => [iCustomer, count, state]),
    [
      [2, 1, 'finished'],
      [1, 1, 'finished'],
      [1, 2000, 'started']
    ]
  )
})

test('an entry is as long as it lasts, not as its first word', () => {
  const feed = heard(...Array.from({ length: 50 }, (_none, at) => word(at + 1, 'started', at * 90)))
  assert.deepEqual(
    feed.entries().map(({ at, count }) => [at, count]),
    [[0, 50]]
  )
})

test('words of different kinds that mix are an entry each', () => {
  const feed = heard(
    word(1, 'started', 0),
    word(2, 'failed', 10, { by: 'expired' }),
    word(3, 'started', 20),
    word(4, 'failed', 30),
    word(5, 'failed', 40, { by: 'expired' })
  )
  assert.deepEqual(
    feed.entries().map(({ state, by, count }) => [state, by, count]),
    [
      ['failed', 'told', 1],
      ['failed', 'expired', 2],
      ['started', 'told', 2]
    ]
  )
  assert.deepEqual([feed.failed, feed.expired], [1, 2])
})

test('a batch is followed until all have ended, however they do', () => {
  const feed = heard(...many(3, 'started', 1000))
  const [id] = feed.batches().map((one) => one.id)
  assert.deepEqual(feed.batches(), [{ id, at: 1000, customers: 3, finished: 0, failed: 0, moving: 3, isOver: false }])
  feed.hear(word(2, 'finished', 2000))
  feed.hear(word(1, 'failed', 2000, { to: null }))
  assert.deepEqual([feed.moving, feed.batches()[0]?.isOver], [1, false])
  feed.hear(word(3, 'failed', 9000, { by: 'expired' }))
  assert.deepEqual(feed.batches(), [{ id, at: 1000, customers: 3, finished: 1, failed: 2, moving: 0, isOver: true }])
})

test('who is told to start once more is in the batch before', () => {
  const feed = heard(...many(2, 'started', 1000), ...many(2, 'started', 60_000), word(1, 'finished', 61_000))
  assert.deepEqual(
    feed.batches().map(({ customers, finished, moving }) => [customers, finished, moving]),
    [[2, 1, 1]]
  )
  feed.hear(word(1, 'started', 62_000))
  assert.deepEqual(
    feed.batches().map(({ customers }) => customers),
    [1, 2]
  )
})

test('batches of different directions are two', () => {
  const feed = heard(word(1, 'started', 0), word(2, 'started', 0, { to: 'source' }))
  assert.equal(feed.batches().length, 2)
})

test('the last entries and batches are kept; those that are over go first', () => {
  const feed = heard(
    ...Array.from({ length: 300 }, (_none, at) => word(at + 1, 'started', at * 1000)).flatMap((one) =>
      one.iCustomer === 1 ? [one] : [one, { ...one, state: 'finished' as const, at: (one.at ?? 0) + 500 }]
    )
  )
  assert.equal(feed.entries().length, keptEntries)
  const batches = feed.batches()
  assert.equal(batches.length, keptBatches)
  assert.equal(batches.at(-1)?.isOver, false, 'the one that is moving stays')
  assert.equal(feed.moving, 1)
})

test('customers who are never ended do not make it grow', () => {
  const feed = createFeed()
  for (let batch = 0; batch < 12; batch++)
    for (const one of many(10_000, 'started', batch * 10_000, batch * 10_000 + 1)) feed.hear(one)
  assert.ok(feed.moving <= 50_001, String(feed.moving))
  assert.ok(feed.moving >= 40_000)
})

for (const [name, words, moved] of [
  ['told to be finished', [word(1, 'finished', 0)], 1],
  ['told to begin and to be finished', [word(1, 'started', 0), word(1, 'finished', 1)], 1],
  [
    'told, and by both systems events',
    [word(1, 'finished', 0), ...[1, 2].map((at) => word(1, 'finished', at, { to: null, by: 'event' }))],
    1
  ],
  ['by both systems events', [1, 2].map((at) => word(1, 'finished', at, { to: null, by: 'event' })), 1],
  ['found where it was told to go', [word(1, 'finished', 0), word(1, 'finished', 1, { by: 'found' })], 1],
  ['there and back', [word(1, 'finished', 0), word(1, 'finished', 1, { to: 'source' })], 2],
  ['failed', [word(1, 'started', 0), word(1, 'failed', 1)], 0]
] as const) {
  test(`one customer, ${name}: ${moved} moved`, () => assert.equal(heard(...words).moved, moved))
}

/** A feed brings events to its reader one by one, holds as many as it may, and ends at once; moves are looked at before. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { createFeed } from '../../graphql/subscriptions/feed.ts'
import { createMoveNews, type Move } from '../../graphql/subscriptions/moves.ts'

function start({ atMost = 3 } = {}) {
  const ends: string[] = []
  const feed = createFeed<string, string>({ atMost, tell: (event) => `told ${event}`, onEnd: () => ends.push('end') })
  return { feed, ends }
}

const read = (value: string) => ({ value, done: false })
const over = { value: undefined, done: true }

suite('a feed', () => {
  test('gives what was there before it is read, and what comes while somebody waits', async () => {
    const { feed } = start()
    feed.push('a')
    const [first, second, third] = [feed.next(), feed.next(), feed.next()]
    feed.push('b')
    feed.push('c')
    assert.deepEqual(await Promise.all([first, second, third]), [read('told a'), read('told b'), read('told c')])
  })

  test('has room for as many as it may hold, and for one that waits already', async () => {
    const { feed, ends } = start({ atMost: 2 })
    assert.deepEqual(
      ['a', 'b', 'a', 'c', 'b'].map((event) => feed.push(event)),
      [true, true, true, false, true]
    )
    assert.deepEqual(await feed.next(), read('told a'))
    assert.equal(feed.push('c'), true)
    assert.deepEqual([await feed.next(), await feed.next()], [read('told b'), read('told c')])
    assert.deepEqual(ends, [], 'that it was full is not its end')
  })

  test('tells what an event is when it is read', async () => {
    let now = 'first'
    const feed = createFeed<string, string>({ atMost: 1, tell: () => now, onEnd() {} })
    feed.push('a')
    now = 'last'
    assert.deepEqual(await feed.next(), read('last'))
  })

  test('ends at once for those who wait, once, and takes no more', async () => {
    const { feed, ends } = start()
    const waiting = [feed.next(), feed.next()]
    const returned = feed.return()
    assert.deepEqual(ends, ['end'], 'before anybody has waited')
    assert.deepEqual(await Promise.all([...waiting, returned]), [over, over, over])
    assert.equal(feed.push('a'), true)
    assert.deepEqual([await feed.next(), await feed.return()], [over, over])
    assert.deepEqual(ends, ['end'])
  })

  test('ends with what waits in it', async () => {
    const { feed } = start()
    feed.push('a')
    await feed.return()
    assert.deepEqual(await feed.next(), over)
  })

  test('ends when its reader breaks off, and when it throws', async () => {
    for (const leave of ['break', 'throw']) {
      const { feed, ends } = start()
      feed.push('a')
      try {
        for await (const told of feed) {
          assert.equal(told, 'told a')
          if (leave === 'break') break
          throw new Error('enough')
        }
      } catch {}
      assert.deepEqual(ends, ['end'], leave)
    }
    const { feed, ends } = start()
    await assert.rejects(async () => feed.throw?.(new Error('enough')), { message: 'enough' })
    assert.deepEqual(ends, ['end'])
  })
})

/** Moves that somebody tells, and verdicts that the test gives. */
function startMoves(t: TestContext) {
  const listeners = new Set<{ readonly listener: (move: Move) => void }>()
  const looks: { readonly iCustomer: number; readonly answer: (may: boolean) => void }[] = []
  let tooMany = 0
  let open = 0
  const news = createMoveNews({
    onMoved(listener) {
      // One that listens twice would be told twice.
      const own = { listener }
      listeners.add(own)
      return () => listeners.delete(own)
    },
    mayRead: ({ iCustomer }) => new Promise((answer) => looks.push({ iCustomer, answer })),
    onTooMany: () => tooMany++
  })
  t.after(() => news.stop())
  return {
    news,
    listeners,
    looks,
    numbers: () => ({ tooMany, open }),
    follow() {
      open++
      return news.open(() => open--)
    },
    tell(...customers: number[]) {
      for (const iCustomer of customers) {
        for (const { listener } of listeners)
          listener({ iCustomer, state: 'finished', to: 'target', at: 0, by: 'told' })
      }
    },
    answer(iCustomer: number, may: boolean) {
      const at = looks.findIndex((look) => look.iCustomer === iCustomer)
      assert.notEqual(at, -1, `nobody has looked at ${iCustomer}`)
      looks.splice(at, 1)[0]?.answer(may)
    }
  }
}

const customersOf = async (feed: ReturnType<ReturnType<typeof startMoves>['follow']>, count: number) => {
  const found: unknown[] = []
  for (let at = 0; at < count; at++) found.push((await feed.next()).value?.customerMoved.iCustomer)
  return found
}

suite('moves', () => {
  test('are told in the order in which they came, those that may be read', async (t) => {
    const { follow, tell, answer } = startMoves(t)
    const feed = follow()
    tell(1, 2, 3)
    answer(3, true)
    answer(2, false)
    answer(1, true)
    assert.deepEqual(await customersOf(feed, 2), [1, 3])
  })

  test('are looked at four at a time, once for all subscriptions', async (t) => {
    const { follow, tell, answer, looks } = startMoves(t)
    const feeds = [follow(), follow()]
    tell(1, 2, 3, 4, 5, 6)
    const under = () => looks.map(({ iCustomer }) => iCustomer)
    assert.deepEqual(under(), [1, 2, 3, 4])
    answer(1, true)
    for (const feed of feeds) assert.deepEqual(await customersOf(feed, 1), [1])
    await new Promise(setImmediate)
    assert.deepEqual(under(), [2, 3, 4, 5])
  })

  test('more than a thousand of which wait are too many', async (t) => {
    const { follow, tell, numbers } = startMoves(t)
    follow()
    const customers = Array.from({ length: 1004 }, (_, at) => at + 1)
    tell(...customers)
    assert.equal(numbers().tooMany, 0)
    tell(1005)
    assert.equal(numbers().tooMany, 1)
  })

  test('more than a thousand of which nobody reads are too many', async (t) => {
    const { follow, tell, answer, numbers } = startMoves(t)
    follow()
    for (let at = 1; at <= 1001; at++) {
      assert.equal(numbers().tooMany, 0)
      tell(at)
      answer(at, true)
      await new Promise(setImmediate)
    }
    assert.equal(numbers().tooMany, 1)
  })

  test('are listened to while somebody reads', async (t) => {
    const { follow, tell, answer, listeners, looks, numbers, news } = startMoves(t)
    assert.equal(listeners.size, 0)
    const [one, other] = [follow(), follow()]
    assert.equal(listeners.size, 1)
    await one.return()
    assert.deepEqual([listeners.size, numbers().open], [1, 1])
    tell(1, 2, 3, 4, 5, 6)
    await other.return()
    assert.deepEqual([listeners.size, numbers().open], [0, 0])
    for (const iCustomer of [1, 2, 3, 4]) answer(iCustomer, true)
    await new Promise(setImmediate)
    assert.deepEqual(looks, [], 'what waited is not looked at any more')
    follow()
    assert.equal(listeners.size, 1)
    news.stop()
    assert.equal(listeners.size, 0)
  })
})

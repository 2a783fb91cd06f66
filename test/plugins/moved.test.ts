/** Who listens is told of moves: by the words of a migration, and when a lookup finds a customer elsewhere than before. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import type { Reference } from '../../core/references.ts'
import type { System } from '../../core/words.ts'
import type { Finding } from '../../plugins/entity-location/lookup.ts'
import { createMoves, type Move } from '../../plugins/entity-location/moves.ts'
import store from '../../plugins/store/index.ts'
import { moveCustomer } from '../../simulator/index.ts'
import { startWorld } from '../build.ts'
import { ask } from '../client.ts'
import { enter, lookups } from '../reached.ts'

/** A move without whose word it is, and when. */
type Told = Pick<Move, 'iCustomer' | 'state' | 'to'>
const toldOf = ({ iCustomer, state, to }: Move): Told => ({ iCustomer, state, to })

/** Every third of sixty customers has moved; account n is customer n's. */
const forgetful = { 'entity-location': { ttl: 0 } }

async function start(t: TestContext, plugins: object = forgetful) {
  const world = await startWorld(t, { plugins })
  const { app, opsUrl } = world
  const admin = await enter(world)
  const told: Told[] = []
  const stop = app.entityLocation.onMoved((move) => told.push(toldOf(move)))
  return {
    ...world,
    admin,
    told,
    stop,
    customerInfo: (iCustomer: number) => admin.call('Customer/get_customer_info', { i_customer: iCustomer }),
    /** Moves a customer without a word. */
    move: (id: number, to: System) =>
      moveCustomer(id, world[to === 'source' ? 'target' : 'source'], world[to === 'source' ? 'source' : 'target']),
    async tell(body: object) {
      const headers = { 'content-type': 'application/json' }
      const { status, text } = await ask(opsUrl, { path: '/migrations', headers, body: JSON.stringify(body) })
      assert.equal(status, 200, text)
    }
  }
}

const moved = (iCustomer: number, to: System): Told => ({ iCustomer, state: 'finished', to })

suite('a word of a migration', async () => {
  const event = (what: string, variables: object) => ({ event_type: what, variables })
  const rows: readonly (readonly [body: object, told: readonly Told[]])[] = [
    [{ i_customer: 7, state: 'started', to: 'target' }, [{ iCustomer: 7, state: 'started', to: 'target' }]],
    [{ i_customer: 7, state: 'failed' }, [{ iCustomer: 7, state: 'failed', to: 'target' }]],
    [{ i_customer: 7, state: 'failed' }, [{ iCustomer: 7, state: 'failed', to: null }]],
    [{ i_customer: 7, state: 'finished', to: 'source' }, [moved(7, 'source')]],
    [event('Customer/Status/Exported', { i_customer: 7 }), [{ iCustomer: 7, state: 'finished', to: null }]],
    [event('Customer/Status/Imported', { i_customer: '8' }), [{ iCustomer: 8, state: 'finished', to: null }]],
    [event('Customer/Status/Imported', { i_account: 7 }), []],
    [event('Customer/Status/Imported', {}), []],
    [event('Account/Status/Exported', { i_account: 7 }), []],
    [event('Account/Status/Imported', { i_account: 7, i_customer: 7 }), []]
  ]

  test('is told as far as it is about a customer', async (t) => {
    const { told, tell } = await start(t)
    for (const [body, expected] of rows) {
      told.length = 0
      await tell(body)
      assert.deepEqual(told, expected, JSON.stringify(body))
    }
  })

  test('is told once the location is forgotten', async (t) => {
    const { app, customerInfo, tell } = await start(t, {})
    const reference: Reference = { kind: 'customer', keys: { i_customer: 1 } }
    await customerInfo(1)
    assert.equal(await app.entityLocation.remembered([reference]), 'source')
    const seen: Promise<System | undefined>[] = []
    app.entityLocation.onMoved(() => seen.push(app.entityLocation.remembered([reference])))
    await tell({ i_customer: 1, state: 'started' })
    assert.deepEqual(await Promise.all(seen), [undefined])
  })

  test('is told without entity-location to nobody, and does no harm', async (t) => {
    const world = await startWorld(t, { plugins: { 'entity-location': false } })
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ i_customer: 7, state: 'started' })
    assert.equal((await ask(world.opsUrl, { path: '/migrations', headers, body })).status, 200)
  })
})

suite('a lookup', async () => {
  const ways: readonly (readonly [what: string, name: string, params: (id: number) => object])[] = [
    ["by the customer's number", 'Customer/get_customer_info', (id) => ({ i_customer: id })],
    ["by the customer's login", 'Customer/get_customer_info', (id) => ({ login: `customer-${id}` })],
    ["by an account's number", 'Account/get_account_info', (id) => ({ i_account: id })],
    ["by an account's id", 'Account/get_account_info', (id) => ({ id: `1555${`${id}`.padStart(7, '0')}` })]
  ]
  for (const [what, name, params] of ways) {
    test(`${what} tells of each move that nobody has told, once`, async (t) => {
      const { admin, told, move } = await start(t)
      const find = async () => assert.equal((await admin.call(name, params(1))).status, 200)
      await find()
      assert.deepEqual(told, [], 'the first finding is no move')
      for (const to of ['target', 'source'] as const) {
        await move(1, to)
        told.length = 0
        await find()
        await find()
        assert.deepEqual(told, [moved(1, to)])
      }
    })
  }

  test('of one way tells what another way has found before', async (t) => {
    const { admin, told, customerInfo, move } = await start(t)
    await customerInfo(1)
    await move(1, 'target')
    await admin.call('Account/get_account_info', { i_account: 1 })
    await customerInfo(1)
    assert.deepEqual(told, [moved(1, 'target')])
  })

  test('that an answer has made necessary tells too, when the location is remembered', async (t) => {
    const world = await start(t, {})
    const { told, customerInfo, move } = world
    await customerInfo(1)
    await move(1, 'target')
    assert.equal((await customerInfo(1)).headers['x-dispatched-to'], 'target')
    assert.deepEqual(told, [moved(1, 'target')])
    assert.deepEqual(lookups(world), [2, 2])
    await customerInfo(1)
    assert.deepEqual(lookups(world), [2, 2], 'what is remembered costs no question')
  })

  test('does not repeat what a word has told, and tells where the word was wrong', async (t) => {
    const { told, tell, customerInfo, move } = await start(t)
    const finished = { state: 'finished', to: 'target' }
    for (const id of [1, 2, 4]) await customerInfo(id)
    await move(1, 'target')
    await tell({ i_customer: 1, ...finished })
    await customerInfo(1)
    assert.deepEqual(told.splice(0), [moved(1, 'target')])

    await tell({ i_customer: 2, ...finished })
    await customerInfo(2)
    assert.deepEqual(told.splice(0), [moved(2, 'target'), moved(2, 'source')])

    await move(4, 'target')
    await tell({ i_customer: 4, state: 'started', to: 'target' })
    await tell({ event_type: 'Customer/Status/Imported', variables: { i_customer: 4 } })
    told.length = 0
    await customerInfo(4)
    assert.deepEqual(told, [moved(4, 'target')], 'no word has told where')
  })

  test('knows from a word alone where a customer was', async (t) => {
    const { told, tell, customerInfo } = await start(t)
    await tell({ i_customer: 3, state: 'finished', to: 'source' })
    await customerInfo(3)
    assert.deepEqual(told, [moved(3, 'source'), moved(3, 'target')])
  })

  test('tells nothing by what is closed', async (t) => {
    const { admin, told, customerInfo, move } = await start(t)
    for (const id of [14, 22]) await customerInfo(id)
    await move(14, 'target')
    await move(22, 'target')
    assert.equal((await admin.call('Account/get_account_info', { i_account: 14 })).status, 200)
    assert.equal((await customerInfo(22)).headers['x-dispatched-to'], 'target')
    assert.deepEqual(told, [])
    await customerInfo(14)
    assert.deepEqual(told, [moved(14, 'target')])
  })

  test('tells nothing while it cannot be certain', async (t) => {
    const { told, customerInfo, source, target } = await start(t)
    await customerInfo(1)
    const bundle = source.exportCustomer(1)
    await customerInfo(1)
    assert.deepEqual(told, [], 'it is on its way')
    target.importCustomer(bundle)
    source.importCustomer(bundle)
    assert.equal((await customerInfo(1)).json().faultcode, 'Client.Dispatcher.ambiguous_entity')
    assert.deepEqual(told, [], 'it is active on both')
    source.exportCustomer(1)
    await customerInfo(1)
    assert.deepEqual(told, [moved(1, 'target')])
  })

  test('tells nothing by an answer that a word has made doubtful', async (t) => {
    const { app, told, customerInfo, move, source, target } = await start(t)
    await customerInfo(1)
    await move(1, 'target')
    target.faults.add({ match: { method: 'get_customer_info' }, fault: { kind: 'delay', ms: 200 }, times: 2 })
    const reply = customerInfo(1)
    for (const _ of ['the question', 'its repetition']) {
      await source.journal.next(({ method, status }) => method === 'get_customer_info' && status !== null)
      await app.entityLocation.forget({ iCustomer: 1 })
    }
    assert.equal((await reply).headers['x-dispatched-to'], 'target')
    assert.deepEqual(told, [])
    await customerInfo(1)
    assert.deepEqual(told, [moved(1, 'target')])
  })
})

suite('a listener', async () => {
  test('that throws breaks neither a lookup nor a word, and keeps nothing from the others', async (t) => {
    const { app, told, tell, stop, customerInfo, move, lines } = await start(t)
    stop()
    app.entityLocation.onMoved(() => {
      throw new Error('no')
    })
    app.entityLocation.onMoved((one) => told.push(toldOf(one)))
    await customerInfo(1)
    await move(1, 'target')
    assert.equal((await customerInfo(1)).status, 200)
    await tell({ i_customer: 1, state: 'started', to: 'source' })
    assert.deepEqual(told, [moved(1, 'target'), { iCustomer: 1, state: 'started', to: 'source' }])
    const failures = lines.filter(({ msg }) => msg === 'a listener of moves failed')
    assert.deepEqual(
      failures.map(({ level, err }) => [level, (err as Error).message]),
      [
        [50, 'no'],
        [50, 'no']
      ]
    )
  })

  test('is told until it ends that, once for each time it was given', async (t) => {
    const { app, told, tell, stop } = await start(t)
    const { onMoved } = app.entityLocation
    const twice: Move[] = []
    const listener = (move: Move) => twice.push(move)
    const [end, endOther] = [onMoved(listener), onMoved(listener)]
    const word = { i_customer: 1, state: 'started' }
    await tell(word)
    assert.equal(twice.length, 2)
    end()
    end()
    await tell(word)
    assert.equal(twice.length, 3)
    endOther()
    await tell(word)
    assert.equal(twice.length, 3)
    assert.equal(told.length, 3)
    stop()
    await tell(word)
    assert.equal(told.length, 3)
  })
})

suite('what is known of places', async () => {
  const customer = (iCustomer: number): Reference => ({ kind: 'customer', keys: { i_customer: iCustomer } })
  const at = (system: System): Finding => ({
    at: system,
    certain: true,
    iCustomer: null,
    isActive: true,
    looksMoving: false,
    owners: [],
    isNowhere: false
  })
  async function startMoves() {
    const app = Fastify()
    await app.register(store)
    await app.ready()
    const moves = createMoves(app)
    const told: Told[] = []
    moves.onMoved((move) => told.push(toldOf(move)))
    return {
      told,
      moves,
      find: (id: number, system: System, askedAt = performance.now()) => moves.notice(customer(id), at(system), askedAt)
    }
  }

  test('the answer to a question that was under way when a move was found is no move back', async () => {
    const { told, find } = await startMoves()
    await find(1, 'source')
    await find(1, 'target')
    await find(1, 'source', performance.now() - 1000)
    await find(1, 'target')
    assert.deepEqual(told, [moved(1, 'target')])
    await find(1, 'source')
    assert.deepEqual(told, [moved(1, 'target'), moved(1, 'source')])
  })

  test('a finding that is doubtful, or of what is closed, tells none', async () => {
    const { told, moves, find } = await startMoves()
    await find(1, 'source')
    const odd: readonly Partial<Finding>[] = [
      { certain: false },
      { isActive: false },
      { at: null },
      { at: 'ambiguous' }
    ]
    for (const one of odd) await moves.notice(customer(1), { ...at('target'), ...one }, performance.now())
    assert.deepEqual(told, [])
    await find(1, 'source')
    assert.deepEqual(told, [], 'nor has it been kept')
  })

  test('it is kept of 50,000 customers, of more than that the last ones', async () => {
    const { told, find } = await startMoves()
    for (let id = 1; id <= 50_001; id++) await find(id, 'source')
    await find(1, 'target')
    assert.deepEqual(told, [], 'longest unseen')
    await find(50_001, 'target')
    await find(3, 'target')
    assert.deepEqual(told, [moved(50_001, 'target'), moved(3, 'target')])
  })
})

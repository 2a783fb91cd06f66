/** Contract section 8: where a customer, an account or a login is, and how that is known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWorld, type World } from '../build.ts'
import { ask, login } from '../client.ts'
import { customerInfo, moved, openPair, unmoved } from '../dual.ts'

const where = async ({ opsUrl }: Pick<World, 'opsUrl'>, query: string) => {
  const reply = await ask(opsUrl, { method: 'GET', path: `/where?${query}` })
  assert.equal(reply.status, 200, reply.text)
  return reply.json()
}

const tell = async ({ opsUrl }: World, word: object) => {
  const headers = { 'content-type': 'application/json' }
  const reply = await ask(opsUrl, { path: '/migrations', headers, body: JSON.stringify(word) })
  assert.equal(reply.status, 200, reply.text)
}

/** The simulators' administrator, whom every world knows by the same password. */
async function accountOf(t: Parameters<typeof startWorld>[0]) {
  const { target } = await startWorld(t)
  const { login: name, password } = target.users.admin()
  return { realm: 'admin', login: name, password }
}

const clear = ({ source, target }: World) => {
  source.journal.clear()
  target.journal.clear()
}
const seen = ({ source, target }: World) => source.journal.count() + target.journal.count()

test('told, found or unknown: by what is remembered, and nobody is asked', async (t) => {
  const world = await startWorld(t)
  const { session } = await openPair(world)
  await customerInfo(world.url, 'admin', unmoved, { authorization: `Bearer ${session.accessToken}` })
  clear(world)
  const found = await where(world, `customer=${unmoved}`)
  assert.deepEqual(
    { ...found, since: null },
    {
      kind: 'customer',
      customer: unmoved,
      at: 'source',
      how: 'found',
      since: null,
      moving: null
    }
  )

  const before = Date.now()
  await tell(world, { i_customer: unmoved, state: 'finished', to: 'target' })
  const told = await where(world, `customer=${unmoved}`)
  assert.deepEqual([told.at, told.how], ['target', 'told'])
  assert.ok(Date.parse(String(told.since)) >= before && Date.parse(String(told.since)) <= Date.now())

  await tell(world, { i_customer: unmoved, state: 'started', to: 'source' })
  const { moving, at } = await where(world, `customer=${unmoved}`)
  const { to, since, until } = moving as Record<string, string>
  assert.deepEqual([at, to], ['target', 'source'])
  assert.ok(Date.parse(String(until)) > Date.now() && Date.parse(String(since)) <= Date.now())

  const { hint, ...unknown } = await where(world, 'account=9')
  assert.deepEqual(unknown, {
    kind: 'account',
    customer: null,
    account: 9,
    at: null,
    how: 'unknown',
    since: null,
    moving: null
  })
  assert.match(String(hint), /plugins\.console\.account/)
  assert.equal(seen(world), 0)
})

test('a login: by its hint where nothing else is known, and it is not logged', async (t) => {
  const world = await startWorld(t)
  const user = world.source.users.firstActiveCustomer()
  assert.equal((await where(world, `login=${user.login}`)).how, 'unknown')
  await login(world.url, 'customer', user)
  const told = await where(world, `login=${user.login}`)
  assert.deepEqual([told.kind, told.realm, told.at, told.how], ['login', 'customer', 'source', 'hint'])
  assert.match(String(told.hint), /last login/)
  assert.equal((await where(world, `login=${user.login}&realm=account`)).at, null)
  assert.ok(!world.logText().includes(user.login))
})

test('with a service login the systems are asked', async (t) => {
  const world = await startWorld(t, { plugins: { console: { account: await accountOf(t) } } })
  const account = world.source.users.firstActiveAccount()
  const rows = [
    [`customer=${unmoved}`, 'source', unmoved],
    [`customer=${moved}`, 'target', moved],
    [`account=${account.i_account}`, 'source', account.i_customer],
    [`login=customer-${moved}`, 'target', moved],
    [`login=${encodeURIComponent(account.login)}&realm=account`, 'source', account.i_customer]
  ] as const
  for (const [query, at, customer] of rows) {
    const told = await where(world, query)
    assert.deepEqual([told.at, told.how, told.customer, told.hint], [at, 'asked', customer, undefined], query)
  }
  const nowhere = await where(world, 'customer=999999')
  assert.deepEqual([nowhere.at, nowhere.how], [null, 'unknown'])
  assert.match(String(nowhere.hint), /neither system has it/)

  world.target.importCustomer(world.source.exportCustomer(unmoved))
  world.source.importCustomer(world.target.exportCustomer(unmoved))
  world.target.importCustomer(world.source.exportCustomer(unmoved))
  assert.equal((await where(world, `customer=${unmoved}`)).at, 'target')

  await world.source.stop()
  const half = await where(world, 'customer=999999')
  assert.match(String(half.hint), /the source could not tell/)
  assert.ok(!world.logText().includes(account.login))
})

test('a bad query is refused by the key', async (t) => {
  const { opsUrl } = await startWorld(t)
  for (const [query, what] of [
    ['', /needs one of customer, account and login/],
    ['customer=7&account=9', /needs one of/],
    ['customer=seven', /customer is not a whole number/],
    ['customer=0', /customer is not a whole number/],
    ['account=9007199254740993', /account is not a whole number/],
    ['customer=7&customer=8', /customer is there more than once/],
    ['login=', /login has not/],
    [`login=${'x'.repeat(1001)}`, /login has not/],
    ['login=x&realm=admin', /realm is not customer or account/],
    ['customer=7&realm=customer', /realm goes with login/],
    ['custmer=7', /a key that is not/],
    ['__proto__=7', /needs one of|a key that is not/]
  ] as const) {
    const reply = await ask(opsUrl, { method: 'GET', path: `/where?${query}` })
    assert.equal(reply.status, 400, query)
    assert.match(reply.text, what)
  }
})

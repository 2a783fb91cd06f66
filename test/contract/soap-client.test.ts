/** A SOAP package as integrations use it: its description, a login, a read and a write, through the gateway. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Client, createClientAsync } from 'soap'
import type { RealmName } from '../../core/words.ts'
import { hosts, startWorld, type World } from '../build.ts'
import type { User } from '../client.ts'
import { clearJournals, everyNameOn, moved, namesOn, seenBy, unmoved } from '../dual.ts'

type Result = Readonly<Record<string, unknown>>

/**
 * A client of one service, made from the description that it loads through the gateway. The description names the system's
 * own address, so that clients are told the gateway's.
 */
async function clientOf({ url }: World, realm: RealmName, service: string): Promise<Client> {
  const headers = { host: hosts[realm] }
  const client = await createClientAsync(
    `${url}/soap/${service}?wsdl`,
    { wsdl_headers: headers },
    `${url}/soap/${service}`
  )
  client.addHttpHeader('host', hosts[realm])
  return client
}

async function run(client: Client, method: string, args: Result): Promise<Result> {
  const call = client[`${method}Async`] as (args: Result) => Promise<[result: Result]>
  const [result] = await call(args)
  return result
}

/** Logs in, and gives the calls of the Customer service in that session. */
async function enter(world: World, realm: RealmName, { login, password }: User) {
  const opened = await run(await clientOf(world, realm, 'Session'), 'login', { login, password })
  const client = await clientOf(world, realm, 'Customer')
  client.addSoapHeader({ auth_info: { session_id: opened.session_id } })
  return { opened, call: (method: string, args: Result) => run(client, method, args) }
}

const writes = ({ source, target }: World) => [source, target].map(({ journal }) => journal.count(({ write }) => write))

suite('the soap package', async () => {
  for (const [what, to, writesSeen] of [
    ['a customer of the source', 'source', [1, 0]],
    ['a customer who has moved', 'target', [0, 1]]
  ] as const) {
    test(`${what} logs in, reads and writes`, async (t) => {
      const world = await startWorld(t)
      const user = world[to].users.firstActiveCustomer()
      const { call } = await enter(world, 'customer', user)
      const { customer_info: read } = await call('get_customer_info', {})
      assert.equal((read as Result).i_customer, String(user.i_customer))
      await call('update_customer', { customer_info: { i_customer: user.i_customer, city: 'A & B <c>' } })
      assert.deepEqual(writes(world), writesSeen)
      const { customer_info: again } = await call('get_customer_info', {})
      assert.equal((again as Result).city, 'A & B <c>')
    })
  }

  test('an administrator reads and writes customers of both kinds, each once and with the right session', async (t) => {
    const world = await startWorld(t)
    const { opened, call } = await enter(world, 'admin', world.target.users.admin())
    const onSource = namesOn(world.source)
    assert.notEqual(opened.session_id, onSource.session_id)
    for (const [i, writesSeen] of [
      [unmoved, [1, 0]],
      [moved, [0, 1]]
    ] as const) {
      clearJournals(world)
      await call('update_customer', { customer_info: { i_customer: i, city: `city ${i}` } })
      assert.deepEqual(writes(world), writesSeen)
      const { customer_info: read } = await call('get_customer_info', { i_customer: i })
      assert.equal((read as Result).city, `city ${i}`)
      for (const name of everyNameOn(world.target)) assert.ok(!seenBy(world.source).includes(name))
      for (const name of everyNameOn(world.source)) assert.ok(!seenBy(world.target).includes(name))
    }
  })

  test("faults are the package's own kind: the system's, and the gateway's", async (t) => {
    const world = await startWorld(t)
    const session = await clientOf(world, 'customer', 'Session')
    const faultOf = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => assert.fail('it was no fault'),
        (reason: unknown) => reason
      )
      const { root, response } = error as {
        root?: { Envelope: { Body: { Fault: Result } } }
        response: { status: number }
      }
      return [response.status, root?.Envelope.Body.Fault.faultcode]
    }
    const wrong = { login: 'nobody', password: 'wrong' }
    assert.deepEqual(await faultOf(run(session, 'login', wrong)), [500, 'Server.Session.auth_failed'])
    const { call } = await enter(world, 'customer', world.target.users.firstActiveCustomer())
    await world.target.stop()
    assert.deepEqual(await faultOf(call('update_customer', { customer_info: { city: 'x' } })), [
      503,
      'Server.Dispatcher.system_unavailable'
    ])
  })
})

/**
 * Clients of the demonstration, of each kind that the console tells apart: who logs in, calls, lists, is refused, and asks
 * an old release for what only the new one has.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Demonstration } from '../../gateway/demo.ts'
import { ask, bearer, type Reply, type User } from '../client.ts'

/** Between two calls, ms. */
const pauseMs = 25

const json = { 'content-type': 'application/json' }

const call = (url: string, name: string, params: object, token?: string): Promise<Reply> =>
  ask(url, {
    path: `/rest/${name}`,
    headers: { ...json, ...(token !== undefined && bearer(token)) },
    body: JSON.stringify({ params })
  })

async function logIn(url: string, { login, password }: User): Promise<string> {
  return String((await call(url, 'Session/login', { login, password })).json().access_token)
}

export interface Load {
  /** A customer who lives on the source, and its write: what the gateway answers to it now. */
  readonly customer: number
  write(): Promise<Reply>
  /** No call is under way any more. */
  stop(): Promise<void>
}

export async function startLoad({ gateway, source, target }: Demonstration): Promise<Load> {
  const [customers = '', accounts = '', admins = ''] = gateway.addresses.map(({ url }) => url)
  const [unmoved, moved] = [source.users.firstActiveCustomer(), target.users.firstActiveCustomer()]
  const account = source.users.firstActiveAccount()
  const [onSource, onTarget, admin] = await Promise.all([
    logIn(customers, unmoved),
    logIn(customers, moved),
    logIn(admins, source.users.admin())
  ])
  const { i_customer: customer } = unmoved
  const rounds = [
    () => call(customers, 'Customer/get_customer_info', {}, onSource),
    () => call(customers, 'Customer/get_customer_info', {}, onTarget),
    () => call(admins, 'Customer/get_customer_info', { i_customer: moved.i_customer }, admin),
    () => call(admins, 'Customer/get_customer_list', { limit: 5 }, admin),
    () => ask(customers, { method: 'GET', path: '/dashboard', headers: bearer(onSource) }),
    // Not so often that the limit of logins per address and login is met.
    (turn: number) =>
      turn % 160 === 5 ? call(accounts, 'Session/login', account) : call(accounts, 'Account/get_account_info', {}),
    (turn: number) => call(customers, 'Session/login', { login: `nobody-${turn}`, password: 'wrong' }),
    () => call(customers, 'SIMCard/get_sim_card_info', {}, onSource)
  ]
  let isStopped = false
  async function run() {
    for (let turn = 0; !isStopped; turn += 1) {
      // A system that is away is what some of the calls are there for.
      await rounds[turn % rounds.length]?.(turn).catch(() => undefined)
      await delay(pauseMs)
    }
  }
  const running = run()
  return {
    customer,
    write: () =>
      call(
        customers,
        'Customer/update_customer',
        { customer_info: { i_customer: customer, firstname: 'Ada' } },
        onSource
      ),
    async stop() {
      isStopped = true
      await running
    }
  }
}

/**
 * service-account
 * Adds  `app.serviceAccount`: what only the systems know, asked in the name of the service login that a deployment gives
 *       in `plugins.console.account`: how many customers there are, and where one is of whom nothing is remembered.
 * Needs store, upstreams.
 * Off   never; without such a login it asks nobody.
 */
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Location, locationOf, type Standing, standingOf, type Told } from '../../core/location.ts'
import type { EntityKind, Reference } from '../../core/references.ts'
import { createSeal, type Secrets } from '../../core/seal.ts'
import { type System, systemNames } from '../../core/words.ts'
import { type Account, createServiceSession, type ServiceSession } from './session.ts'
import { createTotals, type Totals } from './totals.ts'

/** Where both systems together say that an entity is. */
export interface Located extends Location {
  /** The customer whose entity it is; null where nobody has said. */
  readonly iCustomer: number | null
  readonly standings: Readonly<Record<System, Standing>>
}

declare module 'fastify' {
  interface FastifyInstance {
    serviceAccount: {
      readonly isSet: boolean
      /** Of the last round; while somebody asks, there is one each minute. Null before the first, and without the login. */
      totals(): Totals | null
      /** Asks both systems; null without the login. */
      locate(reference: Reference): Promise<Located | null>
      /** Logs out, for the end: before the upstreams finish. */
      leave(): Promise<void>
    }
  }
}

interface Setting {
  readonly account: Account | undefined
  readonly restPrefix: string
  readonly secret: Secrets
}

const methods: Readonly<Record<EntityKind, string>> = {
  customer: 'Customer/get_customer_info',
  account: 'Account/get_account_info'
}

const silent: Told = { standing: 'unavailable', iCustomer: null }

function createAsking(sessions: Readonly<Record<System, ServiceSession>>) {
  async function ask(system: System, { kind, keys }: Reference): Promise<Told> {
    const answer = await sessions[system].read(methods[kind], keys)
    return answer === null ? silent : standingOf(kind, answer)
  }

  return async function locate(reference: Reference): Promise<Located> {
    const [source, target] = await Promise.all([ask('source', reference), ask('target', reference)])
    const location = locationOf(source.standing, target.standing)
    const best = location.at === 'source' ? source : target
    const iCustomer = best.iCustomer ?? source.iCustomer ?? target.iCustomer
    return { ...location, iCustomer, standings: { source: source.standing, target: target.standing } }
  }
}

async function serviceAccount(app: FastifyInstance, { account, restPrefix, secret }: Setting) {
  if (account === undefined) {
    app.decorate('serviceAccount', {
      isSet: false,
      totals: () => null,
      locate: async () => null,
      leave: async () => {}
    })
    return
  }
  const { keyOf } = createSeal(secret)
  const [source, target] = systemNames.map((system) =>
    createServiceSession(app, system, { account, restPrefix, keyOf })
  ) as [ServiceSession, ServiceSession]
  const totals = createTotals({ source, target })
  const failed = (err: unknown) => app.log.error({ err }, 'the customers could not be counted')

  async function leave() {
    totals.end()
    await Promise.all([source.leave(), target.leave()])
  }

  app.decorate('serviceAccount', {
    isSet: true,
    totals: () => totals.read(failed),
    locate: createAsking({ source, target }),
    leave
  })
  // An app that is closed alone; a running gateway has left before.
  app.addHook('onClose', leave)
}

export default fp(serviceAccount, { name: 'service-account', fastify: '5.x', dependencies: ['store', 'upstreams'] })

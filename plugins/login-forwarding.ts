/**
 * login-forwarding
 * Adds  `app.loginForwarding`: in which order the systems are asked at a login, which refusals are forwarded, and how
 *       many logins an address may try.
 * Needs way, store.
 * Off   logins go to the target.
 */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Fault } from '../core/faults.ts'
import { type Static, Type } from '../core/schema.ts'
import { createSeal, type Secrets } from '../core/seal.ts'
import type { RealmName, System } from '../core/words.ts'

export const LoginForwardingOptions = Type.Object(
  {
    forwardOn: Type.Array(Type.String({ minLength: 1 }), {
      default: ['Server.Session.auth_failed'],
      description: 'The faultcodes that mean that the user is not here.'
    }),
    hints: Type.Boolean({ default: true, description: 'Whether the system of the last login is asked first.' }),
    rateLimit: Type.Union(
      [
        Type.Literal(false),
        Type.Object(
          {
            max: Type.Integer({ minimum: 1, default: 60, description: 'Logins in a window, per address and login.' }),
            window: Type.Integer({ minimum: 1000, default: 60_000, description: 'The window, ms.' })
          },
          { additionalProperties: false }
        )
      ],
      { default: {}, description: 'How often a client may try to log in; false for no limit.' }
    )
  },
  { additionalProperties: false }
)

interface Setting extends Static<typeof LoginForwardingOptions> {
  readonly secret: Secrets
}

declare module 'fastify' {
  interface FastifyInstance {
    loginForwarding: {
      readonly forwardOn: ReadonlySet<string>
      /** Counts a login; throws `too_many_logins`. */
      admit(request: FastifyRequest, login: string): Promise<void>
      /**
       * Waits for a login of the same name that is under way, so that a burst learns from its first: twenty at once would
       * else be twenty failed logins on the target, and a lock-out. Resolves to what must be called when this one is over.
       */
      enter(realm: RealmName, login: string): Promise<() => void>
      /** Where this login last succeeded, when that asks for another order than the usual. */
      hintFor(realm: RealmName, login: string): Promise<System | null>
      /** Remembers where a login has succeeded. */
      noteLogin(realm: RealmName, login: string, system: System): Promise<void>
      /** Forgets all hints: somebody is being moved. */
      forgetHints(): Promise<void>
    }
  }
  interface FastifyRequest {
    /** The key under which this request's login is counted. */
    loginKey: string
  }
}

const leaveNothing = () => {}

/** How long a hint is kept, ms; a migration's word forgets it sooner. */
const hintTtlMs = 90 * 86_400_000

/** Where @fastify/rate-limit counts: all gateways that share the store count together. */
function countingIn(store: ReturnType<FastifyInstance['store']>) {
  return class StoreOfCounts implements FastifyRateLimitStore {
    incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1], windowMs = 0) {
      store.increment(key, windowMs).then(
        ({ count, restMs }) => callback(null, { current: count, ttl: restMs }),
        (error) => callback(error)
      )
    }

    child() {
      return new StoreOfCounts()
    }
  }
}

async function loginForwarding(app: FastifyInstance, { forwardOn, hints, rateLimit: limit, secret }: Setting) {
  const store = app.store('hints')
  const { keyOf, keysOf } = createSeal(secret)
  const keyFor = (realm: RealmName, login: string) => keyOf('login', `${realm}\0${login}`)
  const keysFor = (realm: RealmName, login: string) => keysOf('login', `${realm}\0${login}`)

  app.decorateRequest('loginKey', '')
  await app.register(rateLimit, { global: false, store: countingIn(app.store('logins')) })
  const count =
    limit === false
      ? null
      : app.createRateLimit({
          max: limit.max,
          timeWindow: limit.window,
          keyGenerator: (request) => (request as FastifyRequest).loginKey
        })

  const underWay = new Map<string, Promise<void>>()

  async function hintFor(realm: RealmName, login: string): Promise<System | null> {
    if (!hints || login === '') return null
    for (const key of keysFor(realm, login)) {
      // A store that is away gives no hint: the login goes its usual way.
      if ((await store.get(key).catch(() => undefined)) === 'source') return 'source'
    }
    return null
  }

  app.decorate('loginForwarding', {
    forwardOn: new Set(forwardOn),

    async admit(request, login) {
      if (count === null) return
      // A portal's server logs everybody in from one address: only both together count.
      request.loginKey = keyOf('login', `${request.ip}\0${login}`)
      const result = await count(request)
      if (!result.isAllowed && result.isExceeded)
        throw new Fault('too_many_logins', '', { retryAfter: result.ttlInSeconds })
    },

    async enter(realm, login) {
      const key = keyFor(realm, login)
      if (login === '' || (await hintFor(realm, login)) !== null) return leaveNothing
      const first = underWay.get(key)
      if (first !== undefined) {
        await first
        return leaveNothing
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      underWay.set(key, promise)
      return () => {
        underWay.delete(key)
        resolve()
      }
    },

    hintFor,

    async noteLogin(realm, login, system) {
      if (!hints || login === '') return
      // The target is asked first anyway: only a source user needs a hint.
      if (system === 'source') await store.set(keyFor(realm, login), system, hintTtlMs)
      else await store.delete(...keysFor(realm, login))
    },

    forgetHints: () => store.clear()
  })
}

export default fp(loginForwarding, { name: 'login-forwarding', fastify: '5.x', dependencies: ['way', 'store'] })

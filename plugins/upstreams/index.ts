/**
 * upstreams
 * Adds  `app.upstream(system, realm)`, the one way to a system: everything that leaves the gateway leaves through it.
 *       `app.systems`, what is known of each system, and `onChange` to be told when it changes.
 * Needs nothing; circuit-breaker where it is on.
 * Off   never: without it nothing is a gateway.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Pool } from 'undici'
import type { Answer } from '../../core/answer.ts'
import { type RealmName, realmNames, type System, systemNames } from '../../core/words.ts'
import { exchangeBy, type Opened } from './exchange.ts'
import type { SystemOptions } from './options.ts'
import { type Probes, startProbes } from './probes.ts'
import type { AnswerHandler, UpstreamRequest } from './request.ts'
import { type Line, Sending } from './sending.ts'
import { Slots } from './slots.ts'
import { KeptState, type SystemState } from './state.ts'

export interface Upstream {
  readonly system: System
  readonly realm: RealmName
  /** Scheme, host and port. */
  readonly origin: string
  /** Sends a request and streams its answer into the handler. */
  dispatch(request: UpstreamRequest, handler: AnswerHandler): void
  /**
   * Sends a request and reads its answer whole, at most `limitBytes` of it; rejects with a Fault. Aborting the signal
   * cancels it: nobody waits for the answer any more.
   */
  exchange(request: UpstreamRequest, limitBytes: number, signal?: AbortSignal): Promise<Answer>
  /** The same for a request for a WebSocket: its connection, or the answer that refuses. */
  open(
    request: UpstreamRequest & { readonly upgrade: 'websocket' },
    limitBytes: number,
    signal: AbortSignal
  ): Promise<Answer | Opened>
}

declare module 'fastify' {
  interface FastifyInstance {
    upstream(system: System, realm: RealmName): Upstream
    systems: Readonly<Record<System, SystemState>>
    /** Lets what is under way finish, such as writes whose clients have left; takes no new requests. For the end. */
    finishUpstreams(patienceMs: number): Promise<void>
  }
}

interface Setting {
  readonly systems: Readonly<Record<System, SystemOptions>>
}

function createUpstream(realm: RealmName, origin: string, line: Line): Upstream {
  function dispatch(request: UpstreamRequest, handler: AnswerHandler) {
    new Sending(line, request, handler).begin()
  }

  return {
    system: line.system,
    realm,
    origin,
    dispatch,
    exchange: (request, limitBytes, signal) => exchangeBy(dispatch, request, { limitBytes, signal }) as Promise<Answer>,
    open: (request, limitBytes, signal) => exchangeBy(dispatch, request, { limitBytes, signal })
  }
}

/** How connections to a system begin; its files are read once, so that all of its pools have the same. */
function connectionOptions({ tls, timeouts }: SystemOptions) {
  const { ca, cert, key, servername } = tls
  return {
    timeout: timeouts.connect,
    rejectUnauthorized: !tls.insecure,
    ...(ca !== undefined && { ca: readFileSync(ca, 'utf8') }),
    ...(cert !== undefined && key !== undefined && { cert: readFileSync(cert), key: readFileSync(key) }),
    ...(servername !== undefined && { servername })
  }
}

type ConnectionOptions = ReturnType<typeof connectionOptions>

function createPool(origin: string, { timeouts }: SystemOptions, connect: ConnectionOptions, connections: number) {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    // One HTTP/2 session for all traffic would be one point of failure, and GOAWAY a gap.
    allowH2: false,
    // Each attempt times its headers itself. Where undici's two values differ it makes two timers a request.
    headersTimeout: Math.max(timeouts.headers, timeouts.body),
    bodyTimeout: timeouts.body,
    connect
  })
}

/** Below the pool's size: a request that is given up while undici queues it could cost the pool a connection for ever. */
const usualInFlight = (connections: number) => Math.max(connections - Math.ceil(connections / 16), 1)

function createState(app: FastifyInstance, system: System, { release, connections, limits }: SystemOptions): KeptState {
  const slots = new Slots({ ...limits, inFlight: limits.inFlight ?? usualInFlight(connections) })
  const guard = app.hasDecorator('breakers') ? app.breakers[system] : null
  return new KeptState(release, slots, guard, app.log.child({ system }))
}

async function upstreams(app: FastifyInstance, { systems }: Setting) {
  const table = {} as Record<System, Record<RealmName, Upstream>>
  const states = {} as Record<System, KeptState>
  const connects = {} as Record<System, ConnectionOptions>
  const probes: Probes[] = []
  const probePools: Pool[] = []
  const again: Line['again'] = new Set()

  for (const system of systemNames) {
    const own = systems[system]
    const state = createState(app, system, own)
    const pools = new Map<string, Pool>()
    const connect = connectionOptions(own)
    connects[system] = connect
    table[system] = {} as Record<RealmName, Upstream>
    states[system] = state
    for (const realm of realmNames) {
      const { origin } = new URL(own.realms[realm] ?? own.url)
      const pool = pools.get(origin) ?? createPool(origin, own, connect, own.connections)
      pools.set(origin, pool)
      table[system][realm] = createUpstream(realm, origin, {
        system,
        state,
        pool,
        headersMs: own.timeouts.headers,
        again
      })
    }
    state.pools.push(...pools.values())
    if (own.tls.insecure) app.log.warn({ system }, 'TLS of this system is not verified: systems.*.tls.insecure is true')
  }
  const pools = systemNames.flatMap((system) => states[system].pools)

  app.decorate('systems', states)
  app.decorate('upstream', (system: System, realm: RealmName) => table[system][realm])

  app.decorate('finishUpstreams', async function finishUpstreams(patienceMs: number) {
    const bound = new AbortController()
    const finished = Promise.all(pools.map((pool) => pool.close()))
    await Promise.race([finished, delay(patienceMs, undefined, { signal: bound.signal }).catch(() => {})])
    bound.abort()
  })

  app.addHook('onReady', async function beginProbes() {
    for (const system of systemNames) {
      // Administrators' first: nobody but they have all methods.
      const origins = new Set([table[system].admin.origin, ...realmNames.map((realm) => table[system][realm].origin)])
      const pools = [...origins].map((origin) => createPool(origin, systems[system], connects[system], 1))
      probePools.push(...pools)
      probes.push(startProbes(system, systems[system], states[system], pools, app.log))
    }
  })

  app.addHook('onClose', async function closePools() {
    for (const one of probes) one.close()
    for (const timer of again) clearTimeout(timer)
    for (const system of systemNames) states[system].slots.close()
    await Promise.all([...pools, ...probePools].map((pool) => pool.destroy()))
  })
}

export default fp(upstreams, { name: 'upstreams', fastify: '5.x' })

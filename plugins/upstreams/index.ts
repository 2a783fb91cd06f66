/**
 * upstreams
 * Adds  `app.upstream(system, realm)`, the one way to a system: everything that leaves the gateway leaves through it.
 *       `app.systems`, whether each system is reachable.
 * Needs nothing.
 * Off   never: without it nothing is a gateway.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Dispatcher, Pool } from 'undici'
import type { Answer } from '../../core/answer.ts'
import { type RealmName, realmNames, type System, systemNames } from '../../core/words.ts'
import { type AnswerHandler, Attempt, type SystemState, type UpstreamRequest } from './attempt.ts'
import type { SystemOptions } from './options.ts'

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

function createUpstream(
  system: System,
  realm: RealmName,
  origin: string,
  pool: Pool,
  state: SystemState,
  headersMs: number
): Upstream {
  function dispatch(request: UpstreamRequest, handler: AnswerHandler) {
    const attempt = new Attempt(system, state, request.patienceMs ?? headersMs, handler)
    pool.dispatch(request as Dispatcher.DispatchOptions, attempt)
  }

  function exchange(request: UpstreamRequest, limitBytes: number, signal?: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let head: Omit<Answer, 'body'>
      let begun: Dispatcher.DispatchController | null = null
      const giveUp = () => begun?.abort(new Error('Nobody waits for the answer'))
      signal?.addEventListener('abort', giveUp, { once: true })
      dispatch(request, {
        onStart(controller) {
          begun = controller
          if (signal?.aborted) giveUp()
        },
        onHead(_controller, answered) {
          head = answered
        },
        onData(controller, chunk) {
          bytes += chunk.length
          if (bytes > limitBytes) controller.abort(new Error('The answer is too large to be read'))
          else chunks.push(chunk)
        },
        onEnd() {
          signal?.removeEventListener('abort', giveUp)
          resolve({ ...head, body: Buffer.concat(chunks) })
        },
        onFault(fault) {
          signal?.removeEventListener('abort', giveUp)
          reject(fault)
        }
      })
    })
  }

  return { system, realm, origin, dispatch, exchange }
}

function createPool(origin: string, { tls, connections, timeouts }: SystemOptions): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    // One HTTP/2 session for all traffic would be one point of failure, and GOAWAY a gap.
    allowH2: false,
    // Each attempt times its headers itself. Where undici's two values differ it makes two timers a request.
    headersTimeout: Math.max(timeouts.headers, timeouts.body),
    bodyTimeout: timeouts.body,
    connect: {
      timeout: timeouts.connect,
      rejectUnauthorized: !tls.insecure,
      ...(tls.ca !== undefined && { ca: readFileSync(tls.ca, 'utf8') }),
      ...(tls.servername !== undefined && { servername: tls.servername })
    }
  })
}

async function upstreams(app: FastifyInstance, { systems }: Setting) {
  const pools = new Map<string, Pool>()
  const table = {} as Record<System, Record<RealmName, Upstream>>
  const states = {} as Record<System, SystemState>

  for (const system of systemNames) {
    const own = systems[system]
    states[system] = { release: own.release, reachable: true }
    table[system] = {} as Record<RealmName, Upstream>
    for (const realm of realmNames) {
      const { origin } = new URL(own.realms[realm] ?? own.url)
      const key = `${system} ${origin}`
      const pool = pools.get(key) ?? createPool(origin, own)
      pools.set(key, pool)
      table[system][realm] = createUpstream(system, realm, origin, pool, states[system], own.timeouts.headers)
    }
    if (own.tls.insecure) app.log.warn({ system }, 'TLS of this system is not verified: systems.*.tls.insecure is true')
  }

  app.decorate('systems', states)
  app.decorate('upstream', (system: System, realm: RealmName) => table[system][realm])

  app.decorate('finishUpstreams', async function finishUpstreams(patienceMs: number) {
    const bound = new AbortController()
    const finished = Promise.all([...pools.values()].map((pool) => pool.close()))
    await Promise.race([finished, delay(patienceMs, undefined, { signal: bound.signal }).catch(() => {})])
    bound.abort()
  })

  const timers = systemNames.flatMap((system) => {
    const { health } = systems[system]
    if (health === false) return []
    const probe = async () => {
      const body = Buffer.from('{"params":{}}')
      const headers = ['Content-Type', 'application/json']
      const request = { method: 'POST', path: health.path, headers, body, patienceMs: health.interval }
      const was = states[system].reachable
      await table[system].admin.exchange(request, probeLimitBytes).catch(() => {
        states[system].reachable = false
      })
      const { reachable } = states[system]
      if (reachable !== was) app.log.warn({ system, reachable }, 'reachability of a system changed')
    }
    return setInterval(probe, health.interval).unref()
  })

  app.addHook('onClose', async function closePools() {
    for (const timer of timers) clearInterval(timer)
    await Promise.all([...pools.values()].map((pool) => pool.destroy()))
  })
}

const probeLimitBytes = 65_536

export default fp(upstreams, { name: 'upstreams', fastify: '5.x' })

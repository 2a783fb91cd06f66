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
import Type, { type Static } from 'typebox'
import { type Dispatcher, Pool } from 'undici'
import type { Answer } from '../core/answer.ts'
import { Fault } from '../core/faults.ts'
import type { HeaderValues } from '../core/headers.ts'
import { type RealmName, realmNames, type System, systemNames } from '../core/words.ts'

const milliseconds = (name: string, otherwise: number) =>
  Type.Integer({ minimum: 1, default: otherwise, description: `${name}, ms.` })
const HttpUrl = Type.String({ format: 'http-origin', description: 'An http(s) URL without a path.' })
const File = Type.String({ format: 'file', description: 'A file, relative to the config file.' })

export const SystemOptions = Type.Object(
  {
    release: Type.String({
      minLength: 1,
      description: 'The release, such as MR100; its number makes versioned hosts.'
    }),
    url: HttpUrl,
    realms: Type.Object(Object.fromEntries(realmNames.map((realm) => [realm, Type.Optional(HttpUrl)])), {
      default: {},
      additionalProperties: false,
      description: 'URLs of realms that have their own.'
    }),
    tls: Type.Object(
      {
        ca: Type.Optional(File),
        servername: Type.Optional(
          Type.String({ minLength: 1, description: 'The name that the certificate must have.' })
        ),
        insecure: Type.Boolean({ default: false, description: 'true accepts any certificate, and warns.' })
      },
      { default: {}, additionalProperties: false, description: 'How the system proves who it is.' }
    ),
    connections: Type.Integer({ minimum: 1, default: 128, description: 'Sockets per realm URL.' }),
    timeouts: Type.Object(
      {
        connect: milliseconds('Until a connection stands', 2000),
        headers: milliseconds("Until an answer's headers are here", 30_000),
        body: milliseconds("Between two parts of an answer's body", 60_000)
      },
      { default: {}, additionalProperties: false, description: 'When a system is given up.' }
    ),
    health: Type.Union(
      [
        Type.Literal(false),
        Type.Object(
          {
            path: Type.String({ pattern: '^/', default: '/rest/Generic/get_version', description: 'What is asked.' }),
            interval: milliseconds('Between two probes', 5000)
          },
          { additionalProperties: false }
        )
      ],
      { default: {}, description: 'Probes; false means reachable until a call proves otherwise.' }
    ),
    keys: Type.Union([Type.String(), Type.Array(Type.String())], {
      default: [],
      description: "PEM files or JWKS URLs that verify this system's access tokens."
    })
  },
  { additionalProperties: false }
)
export type SystemOptions = Static<typeof SystemOptions>

export interface UpstreamRequest {
  readonly method: string
  /** Path and query as they go on the wire. */
  readonly path: string
  /** A flat list of names and values. */
  readonly headers: readonly string[]
  readonly body: Buffer | AsyncIterable<Buffer> | null
  /** From the request's last byte to the answer's headers, ms; the system's `timeouts.headers` otherwise. */
  readonly patienceMs?: number
}

/** Hears how one request goes: head, data and end of an answer, or the fault that ends it at any moment. */
export interface AnswerHandler {
  /** The request has a connection and begins to leave. */
  onStart?(controller: Dispatcher.DispatchController): void
  onHead(controller: Dispatcher.DispatchController, head: Omit<Answer, 'body'>): void
  onData(controller: Dispatcher.DispatchController, chunk: Buffer): void
  onEnd(controller: Dispatcher.DispatchController): void
  onFault(fault: Fault): void
}

export interface Upstream {
  readonly system: System
  readonly realm: RealmName
  /** Scheme, host and port. */
  readonly origin: string
  /** Sends a request and streams its answer into the handler. */
  dispatch(request: UpstreamRequest, handler: AnswerHandler): void
  /** Sends a request and reads its answer whole, at most `limitBytes` of it; rejects with a Fault. */
  exchange(request: UpstreamRequest, limitBytes: number): Promise<Answer>
}

export interface SystemState {
  readonly release: string
  /** False once a connection failed, until one succeeds. */
  reachable: boolean
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

/** Seconds after which a client may try an unavailable system again. */
const retryAfterSeconds = 5

const codeOf = (error: Error) => (error as { code?: unknown }).code

/** Why a request was given up here: no headers in time. */
class HeadersTimeout extends Error {
  override readonly name = 'HeadersTimeout'
}

/**
 * Every request passes here, whoever sends it: its patience is timed, its end is turned into a fault, and what it tells of
 * the system is noted. A breaker has its place around it.
 */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #system: System
  readonly #state: SystemState
  readonly #patienceMs: number
  readonly #handler: AnswerHandler
  #controller: Dispatcher.DispatchController | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(system: System, state: SystemState, patienceMs: number, handler: AnswerHandler) {
    this.#system = system
    this.#state = state
    this.#patienceMs = patienceMs
    this.#handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#controller = controller
    this.#handler.onStart?.(controller)
  }

  /** A long upload is no slow answer: time runs from the last byte on. */
  onRequestSent() {
    this.#timer = setTimeout(() => this.#controller?.abort(new HeadersTimeout()), this.#patienceMs)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: HeaderValues,
    statusMessage = ''
  ) {
    if (status < 200) return
    clearTimeout(this.#timer)
    this.#state.reachable = true
    this.#handler.onHead(controller, { status, statusMessage, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#handler.onData(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController) {
    this.#handler.onEnd(controller)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, cause: Error) {
    clearTimeout(this.#timer)
    this.#handler.onFault(this.#faultOf(cause))
  }

  /** Undici starts a request only on a connection that stands: what failed before has provably not left the gateway. */
  #faultOf(cause: Error): Fault {
    if (this.#controller !== null) {
      const isLate = cause instanceof HeadersTimeout || codeOf(cause) === 'UND_ERR_HEADERS_TIMEOUT'
      return new Fault(isLate ? 'system_timeout' : 'bad_gateway', this.#system, { cause })
    }
    if (codeOf(cause) === 'UND_ERR_INVALID_ARG') {
      return new Fault('malformed_request', 'a header or the path has a character that HTTP does not allow', { cause })
    }
    this.#state.reachable = false
    return new Fault('system_unavailable', this.#system, { cause, retryAfter: retryAfterSeconds })
  }
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

  function exchange(request: UpstreamRequest, limitBytes: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let head: Omit<Answer, 'body'>
      dispatch(request, {
        onHead(_controller, answered) {
          head = answered
        },
        onData(controller, chunk) {
          bytes += chunk.length
          if (bytes > limitBytes) controller.abort(new Error('The answer is too large to be read'))
          else chunks.push(chunk)
        },
        onEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
        onFault: reject
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

/**
 * web-socket-proxy
 * Adds  WebSockets at every path: a client is told "open" once its system has accepted, and all that both say passes
 *       unchanged. `app.webSocketProxy` takes over where a system has accepted, and opens the streams of both for a session
 *       that lives on both.
 * Needs web-sockets, forward, upstreams, homes, paired-sessions; entity-location and metrics where they are on.
 * Off   a request for a WebSocket is an ordinary one, as if it had no Upgrade header.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Fault, KnownCause } from '../../core/faults.ts'
import { closeCodes } from '../../core/frames.ts'
import { type Static, Type } from '../../core/schema.ts'
import type { Swap } from '../../core/swap.ts'
import type { System } from '../../core/words.ts'
import { Connection, type End, ends, type Reads } from './connection.ts'
import { type Asking, createJoining, type Joined, type Opened } from './joining.ts'
import { createRouting } from './routing.ts'

export const WebSocketProxyOptions = Type.Object(
  {
    connections: Type.Integer({ minimum: 1, default: 10_000, description: 'WebSockets that may be open at once.' }),
    idle: Type.Integer({
      minimum: 1000,
      default: 120_000,
      description: 'One on which nothing has come from either side for so long is closed, ms.'
    }),
    lifetime: Type.Integer({ minimum: 1000, default: 86_400_000, description: 'The longest that one may last, ms.' }),
    messageBytes: Type.Integer({
      minimum: 1024,
      default: 1_048_576,
      description: "A client's largest message, where messages must be read on their way."
    })
  },
  { additionalProperties: false }
)

declare module 'fastify' {
  interface FastifyInstance {
    webSocketProxy: {
      /** A client waits for its WebSocket from now on; throws `system_unavailable` where too many are open. */
      await(request: FastifyRequest): void
      /** A system has accepted a client's WebSocket: they talk to each other from now on. */
      open(request: FastifyRequest, reply: FastifyReply, accepted: Accepted): void
      /** Opens both systems' streams for a session that lives on both, and answers. */
      join(request: FastifyRequest, reply: FastifyReply, asking: Asking): Promise<void>
      readonly counts: Counts
    }
  }
}

interface Accepted extends Opened {
  readonly to: System
  /** What the system calls the session; null where the client holds its own names. */
  readonly swaps: readonly Swap[] | null
  /** Headers of the gateway's own for the answer, as a flat list. */
  readonly own: readonly string[]
}

interface Counts {
  /** WebSockets that are open, by where they go. */
  readonly open: Readonly<Record<System | 'both', number>>
  /** How those that are over have ended, since the start. */
  readonly ended: Readonly<Record<End, number>>
}

/** What becomes of a client's connection. */
interface Attached {
  readonly opened: ReadonlyMap<System, Opened>
  readonly reads: Reads | null
  readonly own: readonly string[]
  /** A stream that could be there is not; true once it may be worth another try. */
  readonly isDue?: (now: number) => boolean
}

/** How often all connections are looked at, ms. */
const lookEveryMs = 1_000
const retryAfterSeconds = 5
/** A system that is up and has still not given its stream is asked again after so long, ms. */
const againMs = 30_000

const tooMany = new KnownCause('TooManyWebSockets', 'plugins.web-socket-proxy.connections of them are open')

function show(app: FastifyInstance, { open, ended }: Counts) {
  const rows = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([label, count]) => [[label], count] as const)
  const help = 'WebSockets that are open.'
  app.metrics.showGauge({ name: 'web_sockets', help, labels: ['home'] }, () => rows(open))
  const overHelp = 'WebSockets that are over.'
  app.metrics.showCounter({ name: 'web_sockets_ended_total', help: overHelp, labels: ['end'] }, () => rows(ended))
}

async function webSocketProxy(app: FastifyInstance, options: Static<typeof WebSocketProxyOptions>) {
  const connections = new Set<Connection>()
  const counts = {
    open: { source: 0, target: 0, both: 0 },
    ended: Object.fromEntries(ends.map((end) => [end, 0])) as Record<End, number>
  }
  const { messageBytes } = options
  const openBoth = createJoining(app)

  function attach(request: FastifyRequest, reply: FastifyReply, { opened, reads, own, isDue }: Attached): Connection {
    const [only] = opened.keys()
    const goes = opened.size > 1 ? 'both' : (only as System)
    // Of two, what the target says is what the client knows.
    const to = goes === 'both' ? 'target' : goes
    const swaps = to === 'source' ? (reads?.swaps ?? null) : null
    const client = app.webSockets.connectionOf(request)
    client.write(app.acceptanceOf(request, { to, head: (opened.get(to) as Opened).head, swaps, own }))
    counts.open[goes]++
    const connection = new Connection({
      client,
      systems: new Map([...opened].map(([system, { socket }]) => [system, socket])),
      reads,
      isDue: isDue ?? (() => false),
      onOver(end) {
        connections.delete(connection)
        counts.open[goes]--
        counts.ended[end]++
      }
    })
    connections.add(connection)
    app.webSockets.opened(request, reply, () => connection.close('stop', closeCodes.goingAway, 'Going away'))
    return connection
  }

  /** Whether the stream of a system that was away may be there by now. */
  function untilBack(system: System) {
    const since = performance.now()
    let wasDown = !app.systems[system].reachable
    return function isBack(now: number): boolean {
      const { reachable } = app.systems[system]
      wasDown ||= !reachable
      return reachable && (wasDown || now - since > againMs)
    }
  }

  function attachJoined(request: FastifyRequest, reply: FastifyReply, asking: Asking, joined: Joined) {
    const { opened, swaps, away } = joined
    const [only] = opened.keys()
    request.trail.to = opened.size > 1 ? 'both' : (only as System)
    const route = createRouting(app, request, asking)
    const systems = new Set(opened.keys())
    const connection = attach(request, reply, {
      opened,
      reads: { messageBytes, swaps, route: (text) => route(text, systems, (answer) => connection.tell(answer)) },
      own: away === null ? [] : ['x-dispatcher-partial', away],
      ...(away !== null && { isDue: untilBack(away) })
    })
  }

  app.decorate('webSocketProxy', {
    await(request) {
      if (connections.size >= options.connections) {
        throw new Fault('system_unavailable', 'gateway', { cause: tooMany, retryAfter: retryAfterSeconds })
      }
      app.webSockets.watch(request)
    },

    open(request, reply, { to, head, socket, swaps, own }) {
      // Where the client holds other names than the system, any of its messages may hold one.
      const reads = swaps === null ? null : { messageBytes, swaps, route: async () => to }
      attach(request, reply, { opened: new Map([[to, { head, socket }]]), reads, own })
    },

    async join(request, reply, asking) {
      app.webSocketProxy.await(request)
      const joined = await request.trail.waitFor(openBoth(request, reply, asking))
      if (joined === null) return
      if ('refusal' in joined) {
        request.trail.to = 'target'
        app.relay(request, reply, 'target', joined.refusal, [])
      } else attachJoined(request, reply, asking, joined)
    },

    counts
  })

  app.webSockets.takeAll()
  if (app.hasDecorator('metrics')) show(app, counts)

  let timer: NodeJS.Timeout | undefined
  app.addHook('onReady', async function beginLooking() {
    timer = setInterval(function lookAtAll() {
      const now = performance.now()
      for (const connection of connections) connection.look(now, options)
    }, lookEveryMs).unref()
  })
  app.addHook('onClose', async function endAll() {
    clearInterval(timer)
    for (const connection of connections) connection.destroy()
  })
}

export default fp(webSocketProxy, {
  name: 'web-socket-proxy',
  fastify: '5.x',
  dependencies: ['web-sockets', 'forward', 'upstreams', 'homes', 'paired-sessions']
})

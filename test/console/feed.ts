/**
 * The page with a made-up gateway behind it, for states that are rare, and for pictures. Everything is told over a real
 * connection; what comes from the page changes what is told next.
 */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyReply } from 'fastify'
import { registerPage } from '../../gateway/ops/console-files.ts'
import * as night from './night.ts'

interface Word {
  readonly i_customer: number
  readonly state: 'started' | 'finished' | 'failed'
  readonly to?: 'source' | 'target'
}

export interface FeedOptions {
  /** The token of a session; '' for none, as on loopback. */
  readonly csrf?: string
  /** Nothing has happened yet. */
  readonly isEmpty?: boolean
}

function emptied(now: number) {
  const systems = night.systemsAt(now)
  for (const system of Object.values(systems)) {
    Object.assign(system, { transitions: [], perSecond: 0, inFlight: 0, latencyMs: null })
    for (const kind of Object.keys(system.errors)) Object.assign(system.errors, { [kind]: 0 })
  }
  const customers = { source: null, target: null, how: 'seen', at: now }
  return {
    about: { ...night.aboutAt(now), account: false, store: 'memory', isStoreShared: false, workers: 1 },
    systems,
    traffic: {
      perSecond: { source: 0, target: 0, both: 0, none: 0 },
      ownMs: null,
      sessions: { source: 0, target: 0, both: 0 }
    },
    history: { stepMs: 10_000, points: [] as ReturnType<typeof night.pointAt>[] },
    totals: { logins: { target: 0, forwarded: 0, hinted: 0, refused: 0 }, lists: { merged: 0, partial: 0, failed: 0 } },
    migration: {
      customers,
      moving: 0,
      fences: [] as night.Fence[],
      moved: 0,
      failed: 0,
      expired: 0,
      batches: [] as object[]
    },
    feed: [] as night.Told[],
    faults: [] as object[],
    missing: [] as object[]
  }
}

function full(now: number) {
  const systems = night.systemsAt(now)
  return {
    about: night.aboutAt(now),
    systems,
    traffic: night.trafficNow(systems),
    history: night.historyUntil(now),
    totals: night.totals,
    migration: night.migrationAt(now),
    feed: night.toldUntil(now),
    faults: night.faultsUntil(now) as object[],
    missing: night.missingUntil(now) as object[]
  }
}

export type Told = ReturnType<typeof full>

/** One word of a move, as the gateway takes it. */
function take(told: Told, { i_customer: iCustomer, state, to = 'target' }: Word, now: number) {
  const { migration } = told
  const without = migration.fences.filter((fence) => fence.iCustomer !== iCustomer)
  migration.fences = state === 'started' ? [...without, { iCustomer, to, since: now, until: now + 900_000 }] : without
  migration.moving = migration.fences.length
  told.feed = [{ at: now, iCustomer, count: 1, state, to, by: 'told' }, ...told.feed].slice(0, 100)
}

function whereIs(query: Record<string, string>, told: Told) {
  const customer = Number(query.customer ?? 0)
  const fence = told.migration.fences.find(({ iCustomer }) => iCustomer === customer)
  const moving = fence && {
    to: fence.to,
    since: new Date(fence.since).toISOString(),
    until: new Date(fence.until).toISOString()
  }
  if (customer > 40_000) {
    const hint = 'Neither system is known to have it: check the number, or look in the systems themselves.'
    return { kind: 'customer', customer, at: null, how: 'unknown', since: null, moving: null, hint }
  }
  const since = new Date(Date.now() - 540_000).toISOString()
  return { kind: 'customer', customer, at: fence ? 'source' : 'target', how: 'told', since, moving: moving ?? null }
}

export async function startFeed(
  t: { after(end: () => Promise<void>): void },
  { csrf = '', isEmpty = false }: FeedOptions = {}
) {
  const told = (isEmpty ? emptied : full)(Date.now()) as Told
  const clients = new Set<FastifyReply['raw']>()
  const posted: { readonly headers: object; readonly body: unknown }[] = []
  const control = { status: 200, isSilent: false, holdMs: 0 }
  const app = Fastify({ forceCloseConnections: true })

  const write = (kind: string, data: unknown, to: Iterable<FastifyReply['raw']> = clients) => {
    if (control.isSilent) return
    for (const client of to) client.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  registerPage(app, { csrfOf: () => csrf })
  app.get('/console/events', (request, reply) => {
    if (control.status !== 200) return reply.code(control.status).send({ error: 'no' })
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    for (const [kind, data] of Object.entries(told)) write(kind, data, [reply.raw])
    clients.add(reply.raw)
    request.raw.on('close', () => clients.delete(reply.raw))
    return undefined
  })
  app.get('/systems', (_request, reply) => reply.code(control.status).send({}))
  app.get<{ Querystring: Record<string, string> }>('/where', ({ query }) => whereIs(query, told))
  app.post<{ Body: { url: string } }>('/explain', ({ body, headers }, reply) => {
    posted.push({ headers, body })
    if (body.url.includes('nowhere')) {
      return reply
        .code(421)
        .send({ faultcode: 'Client.Dispatcher.unknown_realm', faultstring: 'No realm answers to this host' })
    }
    const call = /\/rest\/(\w+\/\w+)/.exec(body.url)?.[1] ?? null
    return {
      realm: 'customer',
      family: call === null ? 'page' : 'billing',
      call,
      to: 'source',
      reason: 'session_record'
    }
  })
  app.post<{ Body: Word | Word[] }>('/migrations', async ({ body, headers }) => {
    posted.push({ headers, body })
    const words = [body].flat()
    for (const word of words) take(told, word, Date.now())
    write('migration', told.migration)
    write('feed', told.feed)
    return { success: 1, count: words.length }
  })
  app.delete('/console/session', ({ headers }) => {
    posted.push({ headers, body: null })
    return { success: 1 }
  })
  const second = setInterval(() => {
    if (!isEmpty) {
      night.livelier(told.systems)
      told.traffic = night.trafficNow(told.systems)
    }
    write('systems', told.systems)
    write('traffic', told.traffic)
  }, 1000)
  const step = setInterval(() => {
    const point = night.pointAt(360, Date.now())
    told.history.points = [...told.history.points.slice(1), point]
    write('point', point)
  }, 10_000)
  await app.listen({ host: '127.0.0.1', port: 0 })
  async function close() {
    clearInterval(second)
    clearInterval(step)
    for (const client of clients) client.destroy()
    await app.close()
  }
  t.after(close)
  const { port } = app.server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    told,
    posted,
    control,
    tell: write,
    /** Ends every console's connection. */
    cut: () => {
      for (const client of clients) client.destroy()
    },
    clients: () => clients.size
  }
}

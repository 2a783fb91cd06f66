/**
 * The console's events: `GET /console/events`, a stream of server-sent events (HTML, section 9.2). Once a second, and only
 * while somebody listens, all workers are asked; each text is made once and written to everybody.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Config } from '../config-schema.ts'
import { changingKinds, createComposer, historyOf, type Kind, pointOf, steadyKinds } from './console/compose.ts'
import { type Merged, mergeConsole, mergeSteps, type Step, shown } from './console/merge.ts'
import { type AskAll, reportOf } from './reports.ts'

/** Streams that may be open at once. */
const mostStreams = 200
/** What a client may leave unread before it is dropped, bytes. */
const mostUnread = 1 << 20
const everyMs = 1000
/** Behind the full second, so that a step that ends with it is there. */
const behindMs = 30
/** A stream on which nothing was sent for so long gets a comment: what stands between would take it for dead. */
const quietMs = 15_000

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // When it ends, nothing keeps the listener from closing.
  connection: 'close',
  // nginx would keep back what should be seen at once.
  'x-accel-buffering': 'no'
} as const

const eventText = (kind: string, data: string) => `event: ${kind}\ndata: ${data}\n\n`

/** The last text of each kind, and the steps, as long as somebody listens. */
class Shown {
  readonly texts = new Map<Kind, string>()
  steps: Step[]
  #history = ''

  constructor(steps: Step[]) {
    this.steps = steps
  }

  /** What is new; it is kept from now on. */
  take(merged: Merged, compose: (kind: Kind, merged: Merged) => string): string {
    const changed = changingKinds.filter((kind) => this.#isNew(kind, compose(kind, merged)))
    for (const kind of steadyKinds) this.texts.set(kind, compose(kind, merged))
    const news = [...steadyKinds, ...changed].map((kind) => eventText(kind, this.texts.get(kind) ?? ''))
    const points = merged.steps.filter(({ at }) => at > (this.steps.at(-1)?.at ?? 0))
    if (points.length === 0) return news.join('')
    this.steps = [...this.steps, ...points].slice(-shown.steps)
    this.#history = ''
    return [...news, ...points.map((step) => eventText('point', JSON.stringify(pointOf(step))))].join('')
  }

  #isNew(kind: Kind, text: string): boolean {
    if (this.texts.get(kind) === text) return false
    this.texts.set(kind, text)
    return true
  }

  /** Everything, for one who has just come. */
  whole(): string {
    if (this.#history === '') this.#history = eventText('history', JSON.stringify(historyOf(this.steps)))
    return this.#history + [...this.texts].map(([kind, text]) => eventText(kind, text)).join('')
  }
}

export function createEvents(app: FastifyInstance, config: Config, askAll: AskAll | null) {
  const compose = createComposer(app, config)
  const ask: AskAll = askAll ?? (async (subject) => [await reportOf(app, subject)])
  /** Whoever listens; those who have just come still wait for everything. */
  const streams = new Set<ServerResponse>()
  const waiting = new Set<ServerResponse>()
  let kept: Shown | null = null
  let timer: NodeJS.Timeout | undefined
  let isAsking = false
  let isClosed = false
  let sentAt = 0

  function send(to: Iterable<ServerResponse>, text: string) {
    const bytes = Buffer.from(text)
    for (const stream of to) {
      if (stream.writableLength > mostUnread) stream.destroy()
      else stream.write(bytes)
    }
  }

  /** Those who wait get everything, the others what is new. */
  function sendNews(news: string, shown: Shown) {
    const others = [...streams].filter((stream) => !waiting.has(stream))
    if (others.length > 0 && news !== '') send(others, news)
    if (waiting.size > 0) send(waiting, shown.whole())
    waiting.clear()
    sentAt = performance.now()
  }

  async function look() {
    const [now, hour] = await Promise.all([ask('console'), kept === null ? ask('consoleSteps') : []])
    const merged = mergeConsole(now)
    if (isClosed) return
    if (merged !== null && streams.size > 0) {
      kept ??= new Shown(mergeSteps(hour))
      sendNews(kept.take(merged, compose), kept)
    } else if (performance.now() - sentAt >= quietMs) {
      send(streams, ':\n\n')
      sentAt = performance.now()
    }
  }

  async function tick() {
    if (isAsking) return
    isAsking = true
    try {
      await look()
    } catch (err) {
      app.log.error({ err }, 'what the console shows could not be gathered')
    }
    isAsking = false
    schedule()
  }

  function schedule() {
    clearTimeout(timer)
    const untilSecond = everyMs - (Date.now() % everyMs) + behindMs
    // The first look comes at any time; the next one must not follow at once.
    const ms = untilSecond < everyMs / 2 ? untilSecond + everyMs : untilSecond
    if (streams.size > 0 && !isClosed) timer = setTimeout(tick, ms).unref()
    else kept = null
  }

  function leave(stream: ServerResponse) {
    streams.delete(stream)
    waiting.delete(stream)
    if (streams.size === 0 && !isAsking) schedule()
  }

  return {
    open(reply: FastifyReply) {
      if (streams.size >= mostStreams) {
        const error = `${mostStreams} consoles are open here: close one, or open another gateway's`
        return reply.code(503).header('retry-after', '10').send({ error })
      }
      reply.hijack()
      const { raw } = reply
      raw.on('close', () => leave(raw)).on('error', () => {})
      raw.writeHead(200, { ...(reply.getHeaders() as OutgoingHttpHeaders), ...head })
      raw.write('retry: 2000\n\n')
      streams.add(raw)
      // Somebody listens already: what they were told last is a second old at most.
      if (kept !== null) send([raw], kept.whole())
      else waiting.add(raw)
      if (streams.size === 1) void tick()
      return reply
    },

    /** For the end: whoever listens comes back to another worker, or to whoever is here next. */
    close() {
      isClosed = true
      clearTimeout(timer)
      for (const stream of streams) {
        // One that does not read would never let the listener close.
        if (stream.writableLength > 0) stream.destroy()
        else stream.end()
      }
    }
  }
}

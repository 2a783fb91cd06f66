/**
 * Ops alone, before systems that nobody asks: with a console that is on, and shows what the guard tells it.
 */
import type { TestContext } from 'node:test'
import pino from 'pino'
import { buildApp } from '../gateway/app.ts'
import type { Config } from '../gateway/config-schema.ts'
import type { registerConsole } from '../gateway/ops/console.ts'
import { buildOps } from '../gateway/ops.ts'
import { testConfig } from './build.ts'
import { type Ask, ask, createJar, type Reply } from './client.ts'

export const token = 'an ops token for tests'
const nobody = { admin: 'http://127.0.0.1:1' }

const consoleWith =
  (waiting: (() => void)[]): typeof registerConsole =>
  (scope, _app, { csrfOf }) => {
    scope.get('/console', (request, reply) =>
      reply.type('text/html').send(`<meta name="csrf-token" content="${csrfOf(request)}"><h1>The console</h1>`)
    )
    scope.get('/console/slow', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      await promise
      return {}
    })
    scope.get('/console/events', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: begun\n\n')
    })
  }

export interface TestOps {
  readonly url: string
  readonly logText: () => string
  /** Lets each request to `/console/slow` go on. */
  readonly waiting: readonly (() => void)[]
  get(path: string, headers?: Ask['headers']): Promise<Reply>
  post(path: string, body: unknown, headers?: Ask['headers']): Promise<Reply>
  signIn(shown?: string, headers?: Ask['headers']): Promise<Reply>
}

/** `overrides` as testConfig takes them; `ops` beside its port. */
export async function startOps(
  t: Pick<TestContext, 'after'>,
  { ops = {}, ...overrides }: { readonly ops?: object; readonly [key: string]: unknown } = {}
): Promise<TestOps> {
  const config = testConfig({ source: nobody, target: nobody }, { ops: { port: 0, ...ops }, ...overrides })
  return listenWith(t, config)
}

async function listenWith(t: Pick<TestContext, 'after'>, config: Config): Promise<TestOps> {
  let text = ''
  const keep = {
    write(line: string) {
      text += line
    }
  }
  const logger = pino({ level: 'trace' }, keep)
  const app = await buildApp(config, { logger, writeLine: keep.write })
  const waiting: (() => void)[] = []
  const state = { isListening: true, isStopping: false }
  const listener = await buildOps(app, { config, state, askAll: null }, logger, consoleWith(waiting))
  t.after(() => {
    listener.server.closeAllConnections()
    return Promise.all([app.close(), listener.close()])
  })
  const url = await listener.listen({ host: '127.0.0.1', port: 0 })
  return {
    url,
    logText: () => text,
    waiting,
    get: (path, headers = {}) => ask(url, { method: 'GET', path, headers }),
    post: (path, body, headers = {}) =>
      ask(url, { path, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }),
    signIn: (shown = token, headers = {}) =>
      ask(url, {
        path: '/console/session',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ token: shown }).toString()
      })
  }
}

/** The cookie that an answer gives, as the next request shows it. */
export function cookieOf(reply: Reply): { cookie: string } {
  const jar = createJar()
  jar.take(reply)
  return { cookie: jar.header().cookie ?? '' }
}

/** Signs in, and tells what a page's requests show. */
export async function openSession(ops: TestOps): Promise<{ cookie: string; csrf: string }> {
  const { cookie } = cookieOf(await ops.signIn())
  const page = await ops.get('/console', { cookie, accept: 'text/html' })
  return { cookie, csrf: /content="([^"]*)"/.exec(page.text)?.[1] ?? '' }
}

/** Web sessions of a team's plugin, by @fastify/session, over each backend. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type Session } from 'fastify'
import type { Backend } from '../../../plugins/store/backend.ts'
import { createFileBackend } from '../../../plugins/store/file/index.ts'
import { createMemoryBackend } from '../../../plugins/store/memory.ts'
import { createRedisBackend } from '../../../plugins/store/redis/index.ts'
import { createSessionStore } from '../../../plugins/store/sessions.ts'
import { temporaryFolder, testRedisUrl, withoutRedis, withoutRedisServer } from '../../redis.ts'
import { openProcess } from './hearing.ts'
import { startCluster } from './redis-forms.ts'

declare module 'fastify' {
  interface Session {
    visits?: number
  }
}

const overRedis = (url: string) => createRedisBackend(`${url}?prefix=test-${process.pid}`)

const kinds: readonly [name: string, skip: string | false, create: (t: TestContext) => Promise<Backend>][] = [
  ['memory', false, async () => createMemoryBackend()],
  ['file', false, async (t) => createFileBackend(join(temporaryFolder(t), 'store.db'))],
  ['Redis', withoutRedis, async (t) => overRedis(await testRedisUrl(t))],
  ['Redis Cluster', withoutRedisServer, async (t) => overRedis(await startCluster(t))]
]

async function startApp(t: TestContext, backend: Backend) {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(cookie)
  await app.register(session, {
    secret: 'a secret that is only good for tests',
    cookie: { secure: false, maxAge: 60_000 },
    store: createSessionStore<Session>(backend)
  })
  app.get('/', (request) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    return request.session.visits
  })
  app.get('/end', async (request) => {
    await request.session.destroy()
    return 'ended'
  })
  return app
}

for (const [name, skip, create] of kinds) {
  test(`a web session is kept in the store, until it is ended: ${name}`, { skip }, async (t) => {
    const { backend } = await openProcess(t, await create(t))
    const first = await startApp(t, backend)
    const { cookies } = await first.inject('/')
    const mine = { [cookies[0]?.name ?? '']: cookies[0]?.value ?? '' }
    const second = await startApp(t, backend)
    assert.equal((await second.inject({ url: '/', cookies: mine })).body, '2')
    await first.inject({ url: '/end', cookies: mine })
    assert.equal((await second.inject({ url: '/', cookies: mine })).body, '1')
  })
}

/** Streams of events: who listens costs one look a second, and who does not read is dropped. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import pino from 'pino'
import { buildApp } from '../../gateway/app.ts'
import { createEvents } from '../../gateway/ops/events.ts'
import { type AskAll, reportOf } from '../../gateway/ops/reports.ts'
import { testConfig } from '../build.ts'
import { listenTo } from '../console-client.ts'
import { until } from '../until.ts'

/** A listener with the stream alone; `padding` is text that is new each second. */
async function startStream(t: TestContext, padding: () => string) {
  const config = testConfig({ source: { admin: 'http://127.0.0.1:1' }, target: { admin: 'http://127.0.0.1:1' } })
  const app = await buildApp(config, { logger: pino({ level: 'silent' }), writeLine: () => {} })
  const looks: string[] = []
  const askAll = (async (subject) => {
    looks.push(subject)
    const report = await reportOf(app, subject)
    if (subject !== 'console') return [report]
    const row = { call: padding(), system: 'source', release: 'MR100', count: looks.length, at: 1 }
    return [{ ...report, missing: [row] }]
  }) as AskAll
  const events = createEvents(app, config, askAll)
  const ops = Fastify()
  ops.get('/console/events', (_request, reply) => events.open(reply))
  const url = await ops.listen({ host: '127.0.0.1', port: 0 })
  t.after(async () => {
    events.close()
    await ops.close()
    await app.close()
  })
  const connections = promisify(ops.server.getConnections.bind(ops.server))
  return { url, looks, connections }
}

test('however many listen, there is one look a second; with nobody there is none', async (t) => {
  const { url, looks } = await startStream(t, () => '')
  assert.deepEqual(looks, [])
  const clients = await Promise.all(Array.from({ length: 20 }, () => listenTo(t, url)))
  await Promise.all(clients.map((client) => client.told('traffic')))
  const begunAt = performance.now()
  const before = looks.length
  await clients[0]?.next('traffic')
  await clients[0]?.next('traffic')
  assert.ok(looks.length - before <= (performance.now() - begunAt) / 1000 + 1)
  for (const client of clients) client.close()
  await Promise.all(clients.map(({ ended }) => ended))
  const after = looks.length
  // Whoever comes next finds nothing kept: the hour is asked for anew.
  const next = await listenTo(t, url)
  await next.told('traffic')
  assert.deepEqual(
    looks.slice(after).filter((subject) => subject === 'consoleSteps'),
    ['consoleSteps']
  )
})

test('who does not read is dropped, and the others go on', async (t) => {
  let turn = 0
  const { url, connections } = await startStream(t, () => String(turn++).padEnd(2 << 20, 'x'))
  // Nobody takes what comes on this one.
  const silent = net.connect(Number(new URL(url).port), '127.0.0.1')
  t.after(() => silent.destroy())
  silent.write('GET /console/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await until(async () => (await connections()) === 1)
  const reads = await listenTo(t, url)
  // The kernel takes some megabytes for it before anything is left unread.
  while ((await connections()) > 1) {
    assert.ok(turn < 20, 'it is not dropped')
    await reads.next('traffic')
  }
  await reads.next('traffic')
  assert.ok(turn > 1)
})

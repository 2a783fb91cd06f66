import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Agent, request } from 'node:https'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import type { Simulator } from '../../simulator/index.ts'
import { adminToken, call, startSystem } from './system.ts'

async function startTls(t: TestContext): Promise<Simulator> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }])
  return startSystem(t, { tls: { key, cert } })
}

function getVersion(system: Simulator, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const url = `${system.urls.admin}/rest/Generic/get_version`
    const req = request(url, { agent, rejectUnauthorized: false }, (res) => {
      res.resume()
      res.on('end', () => resolve(String(res.statusCode)))
      res.on('error', ({ message }) => resolve(message))
    })
    req.on('error', (error: Error & { code?: string }) => resolve(error.code ?? error.message))
    req.end()
  })
}

test('listeners: stop refuses connections, start serves the same ports and sessions again', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  await system.stop()
  await system.stop()
  await assert.rejects(call(system, 'admin', 'Session/ping', {}, token), ({ cause }: Error) => {
    return (cause as { code: string }).code === 'ECONNREFUSED'
  })
  await system.start()
  assert.deepEqual((await call(system, 'admin', 'Session/ping', {}, token)).json, { user_id: 1 })
  await system.close()
  await system.close()
})

test('listeners: start waits for a port that was lent to somebody meanwhile', async (t) => {
  const system = await startSystem(t)
  await system.stop()
  const other = createServer()
  await once(other.listen(Number(new URL(system.urls.admin).port), '127.0.0.1'), 'listening')
  const started = system.start()
  // By then it was refused once.
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => other.close(resolve))
  await started
  assert.equal((await call(system, 'admin', 'Generic/get_version')).status, 200)
})

test('listeners: TLS on every realm, and plain text instead when told so', async (t) => {
  const system = await startTls(t)
  for (const url of Object.values(system.urls)) assert.match(url, /^https:/)
  const fresh = () => new Agent({ keepAlive: false })
  assert.equal(await getVersion(system, fresh()), '200')
  system.plainText = true
  assert.match(await getVersion(system, fresh()), /WRONG_VERSION_NUMBER|EPROTO|packet length/)
  system.plainText = false
  assert.equal(await getVersion(system, fresh()), '200')
})

test('listeners: a reset works beneath TLS too', async (t) => {
  const system = await startTls(t)
  system.faults.add({ match: {}, fault: { kind: 'reset', at: 'before-headers' } })
  assert.equal(await getVersion(system, new Agent({ keepAlive: false })), 'ECONNRESET')
})

test('listeners: an Expect: 100-continue is answered before the body', async (t) => {
  const system = await startSystem(t)
  const { request: plainRequest } = await import('node:http')
  const status = await new Promise((resolve, reject) => {
    const headers = { expect: '100-continue', 'content-type': 'application/json' }
    const req = plainRequest(`${system.urls.admin}/rest/Session/login`, { method: 'POST', headers }, (res) => {
      res.resume()
      resolve(res.statusCode)
    })
    req.on('continue', () => req.end(JSON.stringify({ params: system.users.admin() })))
    req.on('error', reject)
    req.flushHeaders()
  })
  assert.equal(status, 200)
})

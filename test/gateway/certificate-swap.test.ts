/** The command with a certificate that is swapped under load: by SIGHUP, and by its files alone. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { certificateFor, folder, type Made } from '../certificates.ts'
import { until } from '../until.ts'
import { configOf, startWith } from './command.ts'
import { fingerprintSeen, greet } from './tls-listener.ts'
import { serve } from './wires.ts'

const limit = { timeout: 60_000 }
const swaps = 20
/** Between a client's answer and its next request, ms: without it the clients take all there is. */
const restMs = 25

/** A pair into the place of the one before, one file after the other. */
function put(directory: string, { cert, key }: Made) {
  for (const [name, text] of Object.entries({ 'cert.pem': cert, 'key.pem': key })) {
    writeFileSync(join(directory, `${name}.new`), text)
    renameSync(join(directory, `${name}.new`), join(directory, name))
  }
}

async function startTls(t: TestContext, first: Made) {
  const { directory } = folder(t)
  put(directory, first)
  const files = `cert: ${join(directory, 'cert.pem')}, key: ${join(directory, 'key.pem')}`
  const config = configOf({
    url: await serve(t, (_request, response) => response.end('x'.repeat(2000))),
    listener: `, tls: { ${files} }`
  })
  return { directory, ...(await startWith(t, config)) }
}

interface Load {
  answered: number
  readonly failed: string[]
  stop(): Promise<void>
}

/** Requests one after the other, from several clients: on connections that stay, or on a new one each. */
function beginLoad(port: number, keepAlive: boolean, clients: number): Load {
  const agent = new https.Agent({ keepAlive, maxSockets: clients })
  const load = { answered: 0, failed: [] as string[] }
  let isOver = false
  const options = { port, host: '127.0.0.1', servername: 'a.test', agent, rejectUnauthorized: false, path: '/page' }
  async function one() {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const request = https.get({ ...options, headers: { host: 'www.customer.example' } }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200 && bytes === 2000) resolve()
        else reject(new Error(`${response.statusCode}, ${bytes} bytes`))
      })
    })
    request.on('error', reject)
    await promise
  }
  async function client() {
    while (!isOver) {
      try {
        await one()
        load.answered++
      } catch (error) {
        load.failed.push(String(error))
      }
      await delay(restMs)
    }
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return Object.assign(load, {
    async stop() {
      isOver = true
      await running
      agent.destroy()
    }
  })
}

suite('certificates of the command', () => {
  test(`${swaps} swaps under load: no request fails, and new connections see the new certificate`, limit, async (t) => {
    const made = (await Promise.all([1, 2].map(() => certificateFor(['a.test'])))) as [Made, Made]
    const { port, child, directory, end } = await startTls(t, made[0])
    const loads = [beginLoad(port, true, 4), beginLoad(port, false, 2)]
    for (let swap = 1; swap <= swaps; swap++) {
      const next = made[swap % 2] as Made
      const before = loads.map(({ answered }) => answered)
      put(directory, next)
      // Every other one by the files alone.
      if (swap % 2 === 0) child.kill('SIGHUP')
      const { fingerprint256 } = new X509Certificate(next.cert)
      await until(async () => (await fingerprintSeen(port, 'a.test')) === fingerprint256)
      await until(() => loads.every(({ answered }, at) => answered > (before[at] as number)))
    }
    await Promise.all(loads.map((load) => load.stop()))
    assert.deepEqual(
      loads.flatMap(({ failed }) => failed),
      []
    )
    child.kill('SIGTERM')
    const { code, out, err } = await end
    assert.deepEqual([code, err], [0, ''])
    assert.equal(out.split('"msg":"a certificate was replaced"').length - 1, swaps)
  })

  test('SIGHUP reads again, is answered in the log, and never ends the process', limit, async (t) => {
    const [first, second] = await Promise.all([certificateFor(['a.test']), certificateFor(['a.test'])])
    const { port, child, directory, said, end } = await startTls(t, first)
    const standing = await greet(port)
    t.after(() => standing.destroy())
    child.kill('SIGHUP')
    await said('"msg":"no certificate has changed"')
    writeFileSync(join(directory, 'key.pem'), 'x')
    child.kill('SIGHUP')
    await said('holds no private key in PEM')
    put(directory, second)
    child.kill('SIGHUP')
    const log = await said('"msg":"a certificate was replaced"')
    assert.ok(log.includes(new X509Certificate(second.cert).fingerprint256.slice(0, 23)))
    assert.equal(await fingerprintSeen(port, 'a.test'), new X509Certificate(second.cert).fingerprint256)
    assert.equal(standing.closed, false)
    child.kill('SIGTERM')
    assert.equal((await end).code, 0)
  })

  test('SIGHUP before it listens is not lost, and does not end it', limit, async (t) => {
    const files = folder(t)
    const plugin = files.write(
      'team.mjs',
      `import { once } from 'node:events'
       export default async () => {
         const heard = once(process, 'SIGHUP')
         process.kill(process.pid, 'SIGHUP')
         await heard
       }`
    )
    put(files.directory, await certificateFor(['a.test']))
    const pair = `cert: ${join(files.directory, 'cert.pem')}, key: ${join(files.directory, 'key.pem')}`
    const config = configOf({ listener: `, tls: { ${pair} }`, more: `plugins: { ${plugin}: true }` })
    const { child, said, end } = await startWith(t, config)
    await said('"msg":"no certificate has changed"')
    child.kill('SIGTERM')
    assert.equal((await end).code, 0)
  })

  test('SIGHUP where there is no TLS: the log says so, and the process goes on', limit, async (t) => {
    const { child, said, end } = await startWith(t, configOf({}))
    child.kill('SIGHUP')
    await said('"msg":"no listener has certificates to read again"')
    child.kill('SIGTERM')
    assert.equal((await end).code, 0)
  })
})

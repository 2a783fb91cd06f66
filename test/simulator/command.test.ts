import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const main = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url))

interface Running {
  child: ChildProcess
  banner: string
  control: string
}

async function run(t: TestContext, ...flags: string[]): Promise<Running> {
  const child = spawn(process.execPath, [main, '--customers', '60', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [chunk] = await once(child.stdout, 'data')
  const banner = String(chunk)
  return { child, banner, control: /control +(\S+)/.exec(banner)?.[1] ?? '' }
}

interface ControlReply {
  customer: { i_customer: number }
  entries: { seq: number; status: number }[]
}

async function send(url: string, method: string, body?: object): Promise<{ status: number; json: ControlReply }> {
  const response = await fetch(url, { method, body: body === undefined ? null : JSON.stringify(body) })
  return { status: response.status, json: (await response.json()) as ControlReply }
}

test('command: the banner names release, URLs and logins that work; SIGTERM ends it with 0', async (t) => {
  const { child, banner } = await run(t, '--release', 'MR115', '--role', 'target')
  assert.match(banner, /MR115, the target system/)
  const url = /^ +customer +(http\S+)$/m.exec(banner)?.[1]
  const [, login, password] = /^ +customer +(customer-\d+) +(\S+)$/m.exec(banner) ?? []
  const params = JSON.stringify({ params: { login, password } })
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(`${url}/rest/Session/login`, { method: 'POST', headers, body: params })).status, 200)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

const refused = [
  { flags: ['--role', 'both'], says: /neither source nor target/ },
  { flags: ['--port', 'x'], says: /--port: "x" is not a number/ },
  { flags: ['--colour', 'red'], says: /--colour/ }
]

for (const { flags, says } of refused) {
  test(`command: ${flags.join(' ')} is refused with exit code 1`, async () => {
    const failed = promisify(execFile)(process.execPath, [main, ...flags])
    await assert.rejects(failed, (error: Error & { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.match(error.stderr, says)
      return true
    })
  })
}

test('command: --help explains every flag', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--help'])
  for (const flag of ['release', 'role', 'port', 'host', 'customers', 'accounts', 'seed', 'control', 'database']) {
    assert.ok(stdout.includes(`--${flag}`), flag)
  }
})

test('command: two processes move a customer over their control listeners', async (t) => {
  const source = await run(t, '--control', '0')
  const target = await run(t, '--control', '0', '--role', 'target')
  const bundle = await send(`${source.control}/export`, 'POST', { i_customer: 1 })
  assert.equal(bundle.json.customer.i_customer, 1)
  assert.deepEqual((await send(`${target.control}/import`, 'POST', bundle.json)).json, { success: 1 })
  assert.equal((await send(`${source.control}/export`, 'POST', { i_customer: 1 })).status, 400)
  assert.equal((await send(`${target.control}/export`, 'POST', { i_customer: 1 })).status, 200)
})

test('command: the control listener switches faults and modes, and shows the journal', async (t) => {
  const { banner, control } = await run(t, '--control', '0')
  const admin = /^ +admin +(http\S+)$/m.exec(banner)?.[1]
  const version = async () => (await fetch(`${admin}/rest/Generic/get_version`)).status
  const rule = { match: { path: '^/rest/Generic' }, fault: { kind: 'status', status: 503 } }
  await send(`${control}/faults`, 'POST', rule)
  assert.equal(await version(), 503)
  await send(`${control}/faults`, 'DELETE')
  assert.equal(await version(), 200)
  await send(`${control}/mode`, 'POST', { mode: 'reserve_down' })
  assert.equal(await version(), 500)
  assert.equal((await send(`${control}/mode`, 'POST', { mode: 'x' })).status, 400)
  const { json } = await send(`${control}/journal?after=1`, 'GET')
  assert.deepEqual(
    json.entries.map(({ seq, status }) => [seq, status]),
    [
      [2, 200],
      [3, 500]
    ]
  )
  assert.equal((await send(`${control}/nothing`, 'GET')).status, 404)
})

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { FaultRule, SimulatedFault, Simulator } from '../../simulator/index.ts'
import { adminToken, call, startSystem } from './system.ts'

const update = { customer_info: { i_customer: 1, city: 'Paris' } }

/** What a plain HTTP client sees: the status and the bytes, or the error's code; headers once they came. */
interface Seen {
  status: number | null
  body: string
  error: string | null
  rawHeaders: string[]
}

function send(system: Simulator, token: string, signal?: AbortSignal): Promise<Seen> {
  return new Promise((resolve) => {
    const seen: Seen = { status: null, body: '', error: null, rawHeaders: [] }
    const failed = (error: Error & { code?: string }) => resolve({ ...seen, error: error.code ?? error.name })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const options = { method: 'POST', headers, agent: false, ...(signal === undefined ? {} : { signal }) }
    const req = request(`${system.urls.admin}/rest/Customer/update_customer`, options, (res) => {
      seen.status = res.statusCode ?? null
      seen.rawHeaders = res.rawHeaders
      res.on('data', (chunk: Buffer) => {
        seen.body += chunk
      })
      res.on('end', () => resolve(seen))
      res.on('error', failed)
    })
    req.on('error', failed)
    req.end(JSON.stringify({ params: update }))
  })
}

async function faulty(t: TestContext, fault: SimulatedFault, times?: number) {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const rule: FaultRule = { match: { service: 'Customer', method: 'update_customer', realm: 'admin' }, fault }
  const handle = system.faults.add(times === undefined ? rule : { ...rule, times })
  const cityOf = async () => {
    const { json } = await call(system, 'admin', 'Customer/get_customer_info', { i_customer: 1 }, token)
    return (json.customer_info as { city: string }).city
  }
  return { system, token, handle, wasExecuted: async () => (await cityOf()) === 'Paris' }
}

const broken: { fault: SimulatedFault; name: string; status: number | null; error: string; executed: boolean }[] = [
  {
    name: 'reset at request',
    fault: { kind: 'reset', at: 'request' },
    status: null,
    error: 'ECONNRESET',
    executed: false
  },
  {
    name: 'reset before headers',
    fault: { kind: 'reset', at: 'before-headers' },
    status: null,
    error: 'ECONNRESET',
    executed: true
  },
  {
    name: 'reset after headers',
    fault: { kind: 'reset', at: 'after-headers' },
    status: 200,
    error: 'ECONNRESET',
    executed: true
  },
  { name: 'half', fault: { kind: 'half' }, status: 200, error: 'ECONNRESET', executed: true },
  { name: 'garbage', fault: { kind: 'garbage' }, status: null, error: 'HPE_INVALID_CONSTANT', executed: false }
]

for (const { name, fault, status, error, executed } of broken) {
  test(`fault switches: ${name} is ${error} and ${executed ? 'executes' : 'does not execute'} the call`, async (t) => {
    const { system, token, handle, wasExecuted } = await faulty(t, fault)
    const seen = await send(system, token)
    assert.deepEqual([seen.status, seen.error], [status, error])
    assert.equal(handle.hits, 1)
    assert.equal(await wasExecuted(), executed)
    assert.equal(system.journal.count('Customer/update_customer'), 1)
  })
}

test('fault switches: half sends half of the promised body', async (t) => {
  const { system, token } = await faulty(t, { kind: 'half' })
  const seen = await send(system, token)
  const length = Number(seen.rawHeaders[seen.rawHeaders.indexOf('Content-Length') + 1])
  assert.equal(seen.body.length, Math.floor(length / 2))
})

test('fault switches: a status replaces the answer', async (t) => {
  const fault = { kind: 'status', status: 503, headers: { 'Retry-After': '7' }, body: 'busy' } as const
  const { system, token, wasExecuted } = await faulty(t, fault)
  const { status, body, rawHeaders } = await send(system, token)
  assert.deepEqual([status, body, rawHeaders.includes('Retry-After')], [503, 'busy', true])
  assert.equal(await wasExecuted(), false)
})

test("fault switches: a fault is answered in the API's own shape", async (t) => {
  const { system, token } = await faulty(t, { kind: 'fault', faultcode: 'Server.Customer.locked' })
  const { status, body } = await send(system, token)
  assert.deepEqual([status, JSON.parse(body).faultcode], [500, 'Server.Customer.locked'])
})

test('fault switches: raw headers join the true answer, repeated and hop-by-hop ones too', async (t) => {
  const headers: [string, string][] = [
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Connection', 'close, X-Hop'],
    ['x-Hop', 'y']
  ]
  const { system, token, wasExecuted } = await faulty(t, { kind: 'headers', headers })
  const { status, rawHeaders } = await send(system, token)
  assert.equal(status, 200)
  const joined = rawHeaders.join('|')
  for (const header of headers) assert.ok(joined.includes(header.join('|')), joined)
  assert.equal(await wasExecuted(), true)
})

test('fault switches: a delayed answer is the true one', async (t) => {
  const { system, token } = await faulty(t, { kind: 'delay', ms: 30 })
  const started = performance.now()
  assert.equal((await send(system, token)).status, 200)
  assert.ok(performance.now() - started >= 29)
})

test('fault switches: a hanging call hangs until its client leaves, and the journal tells', async (t) => {
  const { system, token, wasExecuted } = await faulty(t, { kind: 'hang' })
  const client = new AbortController()
  const arrived = system.journal.next(({ method, bodySha256 }) => method === 'update_customer' && bodySha256 !== '')
  const answer = send(system, token, client.signal)
  const over = system.journal.next(({ aborted }) => aborted)
  assert.equal((await arrived).status, null)
  client.abort()
  assert.equal((await answer).error, 'ABORT_ERR')
  assert.equal((await over).method, 'update_customer')
  assert.equal(await wasExecuted(), false)
})

test('fault switches: a rule ends after its times, by remove and by clear', async (t) => {
  const { system, token, handle } = await faulty(t, { kind: 'status', status: 502 }, 2)
  const statuses = async (count: number) => {
    const seen: unknown[] = []
    for (let at = 0; at < count; at++) seen.push((await send(system, token)).status)
    return seen
  }
  assert.deepEqual(await statuses(3), [502, 502, 200])
  assert.equal(handle.hits, 2)
  const other = system.faults.add({ match: { path: /update_cust/g }, fault: { kind: 'status', status: 504 } })
  assert.deepEqual(await statuses(2), [504, 504])
  other.remove()
  assert.deepEqual(await statuses(1), [200])
  system.faults.add({ match: {}, fault: { kind: 'status', status: 504 } })
  system.faults.clear()
  assert.deepEqual(await statuses(1), [200])
})

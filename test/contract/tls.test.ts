/** Contract section 7: TLS towards the systems is verified; pitfalls: reply-from would not. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startSimulator } from '../../simulator/index.ts'
import { hosts, startTestGateway, systemConfig, testConfig } from '../build.ts'
import { certificateFor, folder, inDays, type Made } from '../certificates.ts'
import { ask, call, login } from '../client.ts'
import { until } from '../until.ts'

/** Who signs whom: an authority with one between, another authority, and what they have signed. */
async function makeParties() {
  const [root, stranger] = await Promise.all(['Root', 'Stranger'].map((name) => certificateFor([name])))
  const between = await certificateFor(['Between'], { isAuthority: true, by: root as Made })
  return { root: root as Made, stranger: stranger as Made, between }
}
const { root, stranger, between } = await makeParties()
const address = '127.0.0.1'
const chained = async (names: string[], more = {}) => {
  const { cert, key } = await certificateFor(names, { by: between, ...more })
  return { cert: cert + between.cert, key }
}

interface Case {
  readonly what: string
  readonly system: Made
  /** PEM of what stands in `ca`, if anything does. */
  readonly ca?: string
  readonly tls?: object
  readonly accepted: boolean
}

const own = await certificateFor([address])
const cases: readonly Case[] = [
  { what: 'a certificate that is its own authority', system: own, ca: own.cert, accepted: true },
  { what: 'a self-signed certificate', system: own, accepted: false },
  { what: 'a self-signed certificate beside another authority', system: own, ca: root.cert, accepted: false },
  {
    what: 'the authority’s certificate, with its chain',
    system: await chained([address]),
    ca: root.cert,
    accepted: true
  },
  {
    what: 'the second authority of the file',
    system: await chained([address]),
    ca: `# ours\n${stranger.cert}\n# theirs\n${root.cert}`,
    accepted: true
  },
  { what: 'an unknown authority’s certificate', system: await chained([address]), ca: stranger.cert, accepted: false },
  { what: 'an unknown authority’s, without a ca', system: await chained([address]), accepted: false },
  {
    what: 'a certificate without its chain',
    system: await certificateFor([address], { by: between }),
    ca: root.cert,
    accepted: false
  },
  {
    what: 'a certificate that has ended',
    system: await chained([address], { from: inDays(-9), until: inDays(-1) }),
    ca: root.cert,
    accepted: false
  },
  {
    what: 'a certificate that has not begun',
    system: await chained([address], { from: inDays(1), until: inDays(9) }),
    ca: root.cert,
    accepted: false
  },
  { what: 'another host’s certificate', system: await chained(['other.test']), ca: root.cert, accepted: false },
  {
    what: 'another host’s certificate under its servername',
    system: await chained(['other.test']),
    ca: root.cert,
    tls: { servername: 'other.test' },
    accepted: true
  },
  {
    what: 'the right address under another servername',
    system: await chained([address]),
    ca: root.cert,
    tls: { servername: 'other.test' },
    accepted: false
  },
  { what: 'a self-signed certificate with insecure: true', system: own, tls: { insecure: true }, accepted: true },
  {
    what: 'another host’s certificate that has ended, with insecure: true',
    system: await certificateFor(['other.test'], { from: inDays(-9), until: inDays(-1) }),
    tls: { insecure: true },
    accepted: true
  }
]

/** A gateway before one target behind TLS; the source is not there. */
async function startBefore(t: TestContext, system: Made, tls: object, { clientCa, ...more }: Before = {}) {
  const behind = { ...system, ...(clientCa !== undefined && { clientCa }) }
  const target = await startSimulator({ release: 'MR115', role: 'target', customers: 60, tls: behind })
  t.after(() => target.close())
  const systems = {
    source: systemConfig('MR100', { admin: 'http://127.0.0.1:1' }),
    target: systemConfig('MR115', target.urls, { tls, ...more })
  }
  const gateway = await startTestGateway(t, testConfig({ source: target.urls, target: target.urls }, { systems }))
  return { target, gateway }
}

interface Before {
  readonly clientCa?: string
  readonly health?: object
}

for (const { what, system, ca, tls, accepted } of cases) {
  test(`TLS towards a system: ${what} is ${accepted ? 'accepted' : 'refused'}`, async (t) => {
    const { write } = folder(t)
    const { target, gateway } = await startBefore(t, system, { ...(ca && { ca: write('ca.pem', ca) }), ...tls })
    const { reply } = await login(gateway.url, 'customer', target.users.firstActiveCustomer())
    assert.equal(reply.status, accepted ? 200 : 503, reply.text)
    assert.equal(target.journal.count('Session/login'), accepted ? 1 : 0)
    const warnings = gateway.lines.filter(({ msg }) => msg.includes('insecure'))
    assert.deepEqual(
      warnings.map(({ level, system: name }) => [level, name]),
      tls !== undefined && 'insecure' in tls ? [[40, 'target']] : []
    )
  })
}

/** what the gateway shows a system that asks for a certificate of the root's, and whether it is let in */
const shows: readonly (readonly [string, Made | null, boolean])[] = [
  ['its certificate', await certificateFor(['gateway'], { by: root }), true],
  ['its certificate with the chain', await chained(['gateway']), true],
  ['a stranger’s certificate', await certificateFor(['gateway'], { by: stranger }), false],
  ['a certificate that has ended', await chained(['gateway'], { from: inDays(-9), until: inDays(-1) }), false],
  ['none', null, false]
]

for (const [what, client, accepted] of shows) {
  test(`a system that asks who comes is shown ${what}: calls and probes are ${accepted ? 'let in' : 'refused'}`, async (t) => {
    const { write } = folder(t)
    const pair = client === null ? {} : { cert: write('c.pem', client.cert), key: write('k.pem', client.key) }
    const tls = { ca: write('ca.pem', root.cert), ...pair }
    const { target, gateway } = await startBefore(t, await chained([address]), tls, {
      clientCa: root.cert,
      health: { interval: 2000 }
    })
    const { good, bad } = gateway.app.systems.target.counts.probes
    assert.deepEqual([good, bad], [0, 0])
    await until(() => gateway.app.systems.target.counts.probes[accepted ? 'good' : 'bad'] > 0)
    const { reply } = await login(gateway.url, 'customer', target.users.firstActiveCustomer())
    // In TLS 1.3 the connection stands before the system has judged who comes: the request may have left.
    assert.equal(reply.status, accepted ? 200 : 502, reply.text)
    assert.equal(target.journal.count() > 0, accepted)
    const ended = gateway.lines.filter(({ msg }) => msg === 'a certificate has ended')
    assert.deepEqual(
      ended.map(({ path }) => path),
      what.includes('ended') ? ['systems.target.tls'] : []
    )
    assert.ok(!gateway.logText().includes('PRIVATE'))
  })
}

test('a system that speaks no TLS where it should is unavailable', async (t) => {
  const { key, cert } = own
  const { write } = folder(t)
  const target = await startSimulator({ release: 'MR115', role: 'target', customers: 60, tls: { key, cert } })
  t.after(() => target.close())
  target.plainText = true
  const system = systemConfig('MR115', target.urls, { tls: { ca: write('ca.pem', cert) } })
  const systems = { source: system, target: system }
  const { url } = await startTestGateway(t, testConfig({ source: target.urls, target: target.urls }, { systems }))
  const reply = await call(url, 'customer', 'Customer/get_customer_info')
  assert.equal(reply.status, 503)
  assert.equal(reply.json().faultcode, 'Server.Dispatcher.system_unavailable')
})

test('behind TLS the routing cookie is Secure, and the realm is the listener’s', async (t) => {
  const { key, cert } = await certificateFor(['localhost'])
  const { write } = folder(t)
  const [source, target] = await Promise.all([
    startSimulator({ release: 'MR100', role: 'source', customers: 60 }),
    startSimulator({ release: 'MR115', role: 'target', customers: 60 })
  ])
  t.after(() => Promise.all([source.close(), target.close()]))
  const tls = { cert: write('c.pem', cert), key: write('k.pem', key) }
  const listen = [{ host: '127.0.0.1', port: 0, realm: 'customer', tls }]
  const { url } = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, { listen }))
  const { login: name, password } = source.users.firstActiveCustomer()
  const body = JSON.stringify({ params: { login: name, password } })
  const headers = { host: 'anything.test', 'content-type': 'application/json' }
  const reply = await ask(url, { path: '/rest/Session/login', headers, body, ca: cert })
  assert.equal(reply.status, 200, reply.text)
  const cookie = reply.headers['set-cookie']?.find((line) => line.startsWith('pb_dispatch='))
  assert.equal(cookie, 'pb_dispatch=authorized-by-remote; Path=/; HttpOnly; Secure; SameSite=Lax')
  const proto = source.journal.of('Session/login')[0]?.rawHeaders ?? []
  assert.equal(proto[proto.indexOf('X-Forwarded-Proto') + 1], 'https')
  assert.notEqual(hosts.customer, 'anything.test')
})

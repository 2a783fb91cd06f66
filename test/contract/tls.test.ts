/** Contract section 7: TLS towards the systems is verified; pitfalls: reply-from would not. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import { startSimulator } from '../../simulator/index.ts'
import { hosts, startTestGateway, systemConfig, testConfig } from '../build.ts'
import { ask, call, login } from '../client.ts'

const certificateFor = (name: string) =>
  generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: name === '127.0.0.1' ? [{ type: 7, ip: name }] : [{ type: 2, value: name }] }
    ]
  })

async function folder(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'tls-'))
  t.after(() => rm(directory, { recursive: true }))
  return (name: string, text: string) => {
    const file = join(directory, name)
    writeFileSync(file, text)
    return file
  }
}

const cases = [
  {
    name: 'a certificate of the CA for this address is accepted',
    host: '127.0.0.1',
    trusted: true,
    tls: {},
    status: 200
  },
  { name: 'a self-signed certificate is refused', host: '127.0.0.1', trusted: false, tls: {}, status: 503 },
  { name: "another host's certificate is refused", host: 'other.test', trusted: true, tls: {}, status: 503 },
  {
    name: "another host's certificate is accepted under its servername",
    host: 'other.test',
    trusted: true,
    tls: { servername: 'other.test' },
    status: 200
  },
  {
    name: 'a self-signed certificate is accepted with insecure: true',
    host: '127.0.0.1',
    trusted: false,
    tls: { insecure: true },
    status: 200
  }
]

for (const { name, host, trusted, tls, status } of cases) {
  test(`TLS towards a system: ${name}`, async (t) => {
    const { private: key, cert } = await certificateFor(host)
    const write = await folder(t)
    const target = await startSimulator({ release: 'MR115', role: 'target', customers: 60, tls: { key, cert } })
    t.after(() => target.close())
    const own = trusted ? { ca: write('ca.pem', cert), ...tls } : tls
    const system = systemConfig('MR115', target.urls, { tls: own })
    const systems = { source: systemConfig('MR100', { admin: 'http://127.0.0.1:1' }), target: system }
    const gateway = await startTestGateway(t, testConfig({ source: target.urls, target: target.urls }, { systems }))
    const { reply } = await login(gateway.url, 'customer', target.users.firstActiveCustomer())
    assert.equal(reply.status, status, reply.text)
    assert.equal(target.journal.count('Session/login'), status === 200 ? 1 : 0)
    assert.equal(
      gateway.lines.some(({ msg }) => msg.includes('insecure')),
      'insecure' in tls
    )
  })
}

test('a system that speaks no TLS where it should is unavailable', async (t) => {
  const { private: key, cert } = await certificateFor('127.0.0.1')
  const write = await folder(t)
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
  const { private: key, cert } = await certificateFor('localhost')
  const write = await folder(t)
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

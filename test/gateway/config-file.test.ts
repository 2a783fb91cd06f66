import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../gateway/config.ts'
import { mistakesIn, parse, withSource } from './config.ts'
import { pems } from './pems.ts'

function directoryOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const secret = 'x'.repeat(32)
const systems = `systems:
  source: { release: MR100, url: https://10.0.0.2 }
  target: { release: MR115, url: https://10.0.0.3 }
`

test('a file is read, comments and all', (t) => {
  const text = `# the gateway\nlisten:\n  - { port: 0 } # any\nsecret: ${secret}\n${systems}`
  const config = loadConfig(join(directoryOf(t, { 'a.yaml': text }), 'a.yaml'), {})
  assert.equal(config.systems.source.url, 'https://10.0.0.2')
})

test('the contract’s own example is read', (t) => {
  const text = `
listen:                                  # at least one
  - { host: 127.0.0.1, port: 8080 }
  - { port: 8444, realm: customer, tls: { cert: c.pem, key: k.pem } }   # realm fixed by the listener
workers: 1                               # or a number, or auto (one per core)
trustProxy: false                        # or CIDRs; X-Forwarded-* from anyone else is dropped
secret: \${WEBDISPATCHER_SECRET}          # >= 32 characters; HMAC keys and encryption at rest derive from it
store: memory
bodyLimit: 1048576                       # bytes of a body that must be read before routing
debugHeaders: false                      # true adds X-Dispatched-To: source | target | source,target
ops: { host: 127.0.0.1, port: 9090, token: \${OPS_TOKEN:-} }   # a token is required off loopback

systems:                                 # exactly these two
  source:                                # the older release, customers leave it
    release: MR100
    url: https://10.0.0.2                # for every realm without its own
    realms: { customer: https://10.0.0.2:8444, account: https://10.0.0.2:8445 }
    tls: { ca: ca.pem }                  # verification is on; turning it off needs insecure: true and warns
    connections: 128                     # sockets per realm URL
    timeouts: { connect: 2000, headers: 30000, body: 60000 }   # ms
    health: { path: /rest/Generic/get_version, interval: 5000 }  # or false
    keys: [mr100-public.pem]
  target: { release: MR115, url: https://10.0.0.3 }

realms:                                  # admin reseller customer account cc_staff distributor representative
  customer: { hosts: [www.customer.billing.com] }
  admin:    { hosts: [mybilling.billing.com] }
defaultRealm: admin                      # optional; without it an unknown host gets 421

apis:                                    # path prefixes of the three API families
  billing:     [/rest, /soap, /espf, /doc/api]
  portasip:    [/portasip]
  callcontrol: [/callcontrol]

plugins:                                 # true | false | options; a missing key takes its default
  realm-detection: true
  remote-session: { cookie: { name: pb_dispatch } }
  login-forwarding: { forwardOn: [Server.Session.auth_failed], hints: true, rateLimit: { max: 60, window: 60000 } }
  web-portal: true
  ./acme-audit.ts: { level: full }       # a team's own Fastify plugin, by path or package name
`
  const { certificate, privateKey, publicKey } = pems
  const pem = { 'c.pem': certificate, 'k.pem': privateKey, 'ca.pem': certificate, 'mr100-public.pem': publicKey }
  const files = { 'a.yaml': text, ...pem, 'acme-audit.ts': '' }
  const directory = directoryOf(t, files)
  const config = loadConfig(join(directory, 'a.yaml'), { WEBDISPATCHER_SECRET: secret })
  assert.deepEqual(config.ops, { host: '127.0.0.1', port: 9090, hosts: [], token: '' })
  assert.equal(config.secret, secret)
  assert.equal(config.listen[1]?.tls?.cert, join(directory, 'c.pem'))
  assert.deepEqual(config.teamPlugins, [
    { name: './acme-audit.ts', file: join(directory, 'acme-audit.ts'), options: { level: 'full' } }
  ])
})

for (const [what, text, mistake] of [
  ['an empty file', '', /^the file: null is not a mapping$/],
  ['a list', '- a', /^the file: a list is not a mapping$/],
  ['broken YAML', 'listen: [', /a\.yaml: .*line 1/],
  ['a key that comes twice', 'secret: a\nsecret: b\n', /a\.yaml: Map keys must be unique/]
] as const) {
  test(`${what} is one line`, (t) => {
    const file = join(directoryOf(t, { 'a.yaml': text }), 'a.yaml')
    assert.throws(
      () => loadConfig(file, {}),
      (error: Error) => error.name === 'ConfigError' && mistake.test(error.message) && !error.message.includes('\n')
    )
  })
}

test('a file that is not there is one line', () => {
  assert.throws(() => loadConfig('/nowhere/a.yaml', {}), { message: '/nowhere/a.yaml: cannot be read (ENOENT)' })
})

test('a directory is no file', (t) => {
  assert.throws(() => loadConfig(directoryOf(t, {}), {}), { message: /cannot be read \(EISDIR\)$/ })
})

test('broken YAML does not show a secret', (t) => {
  const file = join(directoryOf(t, { 'a.yaml': 'secret: "hunter2\nlisten: [\n' }), 'a.yaml')
  assert.throws(
    () => loadConfig(file, {}),
    (error: Error) => !error.message.includes('hunter2')
  )
})

const tls = (cert: string, key: string) => ({ listen: [{ port: 0, tls: { cert, key } }] })

test('files are relative to the config’s directory', (t) => {
  const directory = directoryOf(t, { c: pems.certificate, k: pems.privateKey, ca: pems.certificate, p: pems.publicKey })
  const keys = {
    ...tls('c', './k'),
    ...withSource({ tls: { ca: 'ca' }, keys: ['p', 'https://a/jwks', join(directory, 'p')] })
  }
  const config = parse(keys, {}, directory)
  assert.deepEqual(config.listen[0]?.tls, { cert: join(directory, 'c'), key: join(directory, 'k') })
  assert.equal(config.systems.source.tls.ca, join(directory, 'ca'))
  assert.deepEqual(config.systems.source.keys, [join(directory, 'p'), 'https://a/jwks', join(directory, 'p')])
})

for (const [path, keysWith, kind] of [
  ['listen[0].tls.cert', (file: string) => tls(file, 'key'), 'certificate'],
  ['listen[0].tls.key', (file: string) => tls('certificate', file), 'private key'],
  ['systems.source.tls.ca', (file: string) => withSource({ tls: { ca: file } }), 'certificate'],
  ['systems.source.keys[1]', (file: string) => withSource({ keys: ['public', file] }), 'public key']
] as const) {
  test(`${path}: a file that cannot be read, or holds something else`, (t) => {
    const { certificate, privateKey, publicKey } = pems
    const directory = directoryOf(t, { certificate, key: privateKey, public: publicKey, other: 'x' })
    const mistakes = (file: string) => mistakesIn(keysWith(file), {}, directory)
    assert.deepEqual(mistakes('nope'), [`${path}: ${join(directory, 'nope')} cannot be read`])
    assert.deepEqual(mistakes('other'), [`${path}: ${join(directory, 'other')} holds no ${kind} in PEM`])
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../gateway/config.ts'
import { least, mistakesIn, parse, withSource } from './config.ts'

const realms =
  '"admin", or "reseller", or "customer", or "account", or "cc_staff", or "distributor", or "representative"'
const lists = (options: object) => ({ plugins: { 'list-aggregation': options } })
const origin = 'an http(s) URL without a path'
const host = 'a host name, or *. and a host name'
const cidr = 'an IP address or a CIDR such as 10.0.0.0/8'

const customers = { realms: { customer: { hosts: ['www.customer.billing.com', '*.shop.example'] } } }
const redirected = (...redirects: object[]) => ({ ...customers, plugins: { 'web-portal': { redirects } } })

/** keys, the one mistake that they are */
const mistakes: readonly (readonly [object, string])[] = [
  [
    redirected({ host: 'www.old.billing.com', to: 'https://a.example' }),
    'plugins.web-portal.redirects[0].host: www.old.billing.com is no host of a realm, and nothing else answers it'
  ],
  [
    redirected({ host: '*.shop.example', to: 'https://a.example' }),
    'plugins.web-portal.redirects[0].host: "*.shop.example" is not a host name'
  ],
  [
    redirected({ host: 'www.customer.billing.com', to: 'https://www.customer.billing.com:8443' }),
    'plugins.web-portal.redirects[0].to: leads back to www.customer.billing.com'
  ],
  [
    redirected({ host: 'www.customer.billing.com', to: 'https://a.example/x' }),
    `plugins.web-portal.redirects[0].to: "https://a.example/x" is not ${origin}`
  ],
  [
    redirected({ host: 'www.customer.billing.com', to: 'javascript:x' }),
    `plugins.web-portal.redirects[0].to: "javascript:x" is not ${origin}`
  ],
  [
    redirected({ host: 'www.customer.billing.com', to: 'https://a.example', status: 303 }),
    'plugins.web-portal.redirects[0].status: 303 is not 301, or 302, or 307, or 308'
  ],
  [
    redirected({ host: 'www.customer.billing.com' }),
    `plugins.web-portal.redirects[0].to: is missing; it takes ${origin}`
  ],
  [{ listen: [] }, 'listen: is empty; at least one is needed'],
  [{ listen: 8080 }, 'listen: 8080 is not a list'],
  [{ listen: ['8080'] }, 'listen[0]: "8080" is not a mapping'],
  [{ listen: [{}] }, 'listen[0].port: is missing; it takes a whole number from 0 to 65535'],
  [{ listen: [{ port: 70_000 }] }, 'listen[0].port: 70000 is not a whole number from 0 to 65535'],
  [{ listen: [{ port: 0 }, { port: -1 }] }, 'listen[1].port: -1 is not a whole number from 0 to 65535'],
  [{ listen: [{ port: 80.5 }] }, 'listen[0].port: 80.5 is not a whole number from 0 to 65535'],
  [{ listen: [{ port: '8080' }] }, 'listen[0].port: "8080" is not a whole number from 0 to 65535'],
  [{ listen: [{ port: null }] }, 'listen[0].port: null is not a whole number from 0 to 65535'],
  [{ listen: [{ port: 0, host: '' }] }, 'listen[0].host: "" is not a text'],
  [{ listen: [{ port: 0, realm: 'custmer' }] }, `listen[0].realm: "custmer" is not ${realms}`],
  [{ listen: [{ port: 0, tls: true }] }, 'listen[0].tls: true is not a mapping'],
  [{ listen: [{ port: 0, tls: { key: 'config.ts' } }] }, 'listen[0].tls.cert: is missing; it takes the name of a file'],
  [{ listen: [{ port: 0, tls: { cert: 'config.ts' } }] }, 'listen[0].tls.key: is missing; it takes the name of a file'],
  [{ listen: [{ port: 0, tls: { cert: 'config.ts', key: '' } }] }, 'listen[0].tls.key: "" is not the name of a file'],
  [{ listen: [{ port: 0, prot: 1 }] }, 'listen[0].prot: is not a known key; did you mean port?'],
  [{ listen: [{ port: 80 }, { port: 80 }] }, 'listen[1]: 0.0.0.0:80 is taken by listen[0]'],
  [{ listen: [{ host: '127.0.0.1', port: 9090 }] }, 'ops: 127.0.0.1:9090 is taken by listen[0]'],
  [{ trustProxy: true }, `trustProxy: true is not false, or ${cidr}, or a list`],
  [{ trustProxy: 'proxy.example' }, `trustProxy: "proxy.example" is not false, or ${cidr}, or a list`],
  [{ trustProxy: '10.0.0.0/33' }, `trustProxy: "10.0.0.0/33" is not false, or ${cidr}, or a list`],
  [{ trustProxy: '10.0.0' }, `trustProxy: "10.0.0" is not false, or ${cidr}, or a list`],
  [{ trustProxy: '256.0.0.1' }, `trustProxy: "256.0.0.1" is not false, or ${cidr}, or a list`],
  [{ trustProxy: '::1/129' }, `trustProxy: "::1/129" is not false, or ${cidr}, or a list`],
  [{ trustProxy: ['10.0.0.0/8', '10.0.0.0/x'] }, `trustProxy[1]: "10.0.0.0/x" is not ${cidr}`],
  [{ bodyLimit: 10 }, 'bodyLimit: 10 is not a whole number of at least 1024'],
  [{ bodyLimit: '1mb' }, 'bodyLimit: "1mb" is not a whole number of at least 1024'],
  [{ debugHeaders: 'yes' }, 'debugHeaders: "yes" is not true or false'],
  [{ debugHeaders: 1 }, 'debugHeaders: 1 is not true or false'],
  [{ drain: -1 }, 'drain: -1 is not a whole number of at least 0'],
  [
    { logLevel: 'loud' },
    'logLevel: "loud" is not "fatal", or "error", or "warn", or "info", or "debug", or "trace", or "silent"'
  ],
  [{ ops: 9090 }, 'ops: 9090 is not a mapping'],
  [{ ops: { port: 70_000 } }, 'ops.port: 70000 is not a whole number from 0 to 65535'],
  [{ ops: { host: '0.0.0.0' } }, 'ops.token: is missing; it is required because ops.host 0.0.0.0 is not loopback'],
  [
    { ops: { host: '127.evil.example' } },
    'ops.token: is missing; it is required because ops.host 127.evil.example is not loopback'
  ],
  [{ ops: { token: 'short' } }, 'ops.token: the value is not a text of at least 16 characters'],
  [{ ops: { hosts: ['ops.example.com:9090'] } }, 'ops.hosts[0]: "ops.example.com:9090" is not a host name'],
  [{ ops: { hosts: ['*.example.com'] } }, 'ops.hosts[0]: "*.example.com" is not a host name'],
  [{ ops: { prot: 1 } }, 'ops.prot: is not a known key; did you mean port?'],
  [{ systems: 1 }, 'systems: 1 is not a mapping'],
  [{ systems: { source: least.systems.source } }, 'systems.target: is missing; it takes a mapping'],
  [{ systems: { ...least.systems, third: {} } }, 'systems.third: is not a known key; it may be one of source, target'],
  [withSource({ url: 'htp://x' }), `systems.source.url: "htp://x" is not ${origin}`],
  [withSource({ url: 'https://x/rest' }), `systems.source.url: "https://x/rest" is not ${origin}`],
  [withSource({ url: 'https://x?a=1' }), `systems.source.url: "https://x?a=1" is not ${origin}`],
  [withSource({ url: 'x.example' }), `systems.source.url: "x.example" is not ${origin}`],
  [withSource({ url: '' }), `systems.source.url: "" is not ${origin}`],
  [withSource({ release: '' }), 'systems.source.release: "" is not a text'],
  [withSource({ release: 100 }), 'systems.source.release: 100 is not a text'],
  [withSource({ relase: 'x' }), 'systems.source.relase: is not a known key; did you mean release?'],
  [withSource({ realms: { customer: 'x' } }), `systems.source.realms.customer: "x" is not ${origin}`],
  [
    withSource({ realms: { custmer: 'https://x' } }),
    'systems.source.realms.custmer: is not a known key; did you mean customer?'
  ],
  [withSource({ tls: { insecur: true } }), 'systems.source.tls.insecur: is not a known key; did you mean insecure?'],
  [withSource({ tls: { insecure: 'yes' } }), 'systems.source.tls.insecure: "yes" is not true or false'],
  [withSource({ tls: { servername: '' } }), 'systems.source.tls.servername: "" is not a text'],
  [withSource({ connections: 0 }), 'systems.source.connections: 0 is not a whole number of at least 1'],
  [withSource({ timeouts: { connect: 0 } }), 'systems.source.timeouts.connect: 0 is not a whole number of at least 1'],
  [
    withSource({ timeouts: { header: 1 } }),
    'systems.source.timeouts.header: is not a known key; did you mean headers?'
  ],
  [
    withSource({ limits: { inFlight: 128 } }),
    'systems.source.limits.inFlight: 128 is not below connections, which is 128'
  ],
  [
    withSource({ connections: 10, limits: { inFlight: 12 } }),
    'systems.source.limits.inFlight: 12 is not below connections, which is 10'
  ],
  [withSource({ limits: { que: 1 } }), 'systems.source.limits.que: is not a known key; did you mean queue?'],
  [withSource({ limits: { wait: 0 } }), 'systems.source.limits.wait: 0 is not a whole number of at least 1'],
  [{ limits: { head: 50 } }, 'limits.head: 50 is not a whole number of at least 100'],
  [{ limits: { headBytes: 1024 } }, 'limits.headBytes: 1024 is not a whole number from 4096 to 262144'],
  [{ limits: { eventLoopDelay: -1 } }, 'limits.eventLoopDelay: -1 is not a whole number of at least 0'],
  [
    { plugins: { 'circuit-breaker': { errorThresholdPercentage: 100 } } },
    'plugins.circuit-breaker.errorThresholdPercentage: 100 is not a whole number from 0 to 99'
  ],
  [withSource({ timeouts: 5 }), 'systems.source.timeouts: 5 is not a mapping'],
  [withSource({ health: true }), 'systems.source.health: true is not false, or a mapping'],
  [
    withSource({ health: { intervall: 1 } }),
    'systems.source.health.intervall: is not a known key; did you mean interval?'
  ],
  [withSource({ health: { interval: 0 } }), 'systems.source.health.interval: 0 is not a whole number of at least 1'],
  [withSource({ health: { path: 'x' } }), 'systems.source.health.path: "x" is not a text that matches ^/'],
  [withSource({ keys: 7 }), 'systems.source.keys: 7 is not a text, or a list'],
  [{ realms: { custmer: { hosts: ['a'] } } }, 'realms.custmer: is not a known key; did you mean customer?'],
  [{ realms: { customer: ['a'] } }, 'realms.customer: a list is not a mapping'],
  [{ realms: { customer: {} } }, 'realms.customer.hosts: is missing; it takes a list'],
  [{ realms: { customer: { hosts: [] } } }, 'realms.customer.hosts: is empty; at least one is needed'],
  [{ realms: { customer: { hosts: ['a', 'b:80'] } } }, `realms.customer.hosts[1]: "b:80" is not ${host}`],
  [{ realms: { customer: { hosts: ['https://a'] } } }, `realms.customer.hosts[0]: "https://a" is not ${host}`],
  [{ realms: { customer: { hosts: ['*'] } } }, `realms.customer.hosts[0]: "*" is not ${host}`],
  [{ realms: { customer: { hosts: ['a.*.b'] } } }, `realms.customer.hosts[0]: "a.*.b" is not ${host}`],
  [{ realms: { customer: { hosts: ['a b'] } } }, `realms.customer.hosts[0]: "a b" is not ${host}`],
  [
    { realms: { customer: { hosts: ['WWW.a'] }, admin: { hosts: ['www.A'] } } },
    'realms.customer.hosts: WWW.a belongs to admin already'
  ],
  [{ defaultRealm: 'x' }, `defaultRealm: "x" is not ${realms}`],
  [{ apis: { biling: [] } }, 'apis.biling: is not a known key; did you mean billing?'],
  [{ apis: { billing: ['rest'] } }, 'apis.billing[0]: "rest" is not a path such as /rest'],
  [{ apis: { billing: ['/rest/'] } }, 'apis.billing[0]: "/rest/" is not a path such as /rest'],
  [{ apis: { billing: ['/'] } }, 'apis.billing[0]: "/" is not a path such as /rest'],
  [{ apis: { portasip: '/portasip' } }, 'apis.portasip: "/portasip" is not a list'],
  [lists({ onMissingSystem: 'x' }), 'plugins.list-aggregation.onMissingSystem: "x" is not "fail", or "partial"'],
  [
    lists({ methods: { 'A/get_b_list': { arayKey: 'b' } } }),
    'plugins.list-aggregation.methods.A/get_b_list.arayKey: is not a known key; did you mean arrayKey?'
  ],
  [
    lists({ methods: { 'A/get_b_list': { direction: 'up' } } }),
    'plugins.list-aggregation.methods.A/get_b_list.direction: "up" is not "asc", or "desc"'
  ],
  [
    lists({ methods: { 'A/get_b_list': true } }),
    'plugins.list-aggregation.methods.A/get_b_list: true is not false, or a mapping'
  ],
  [
    lists({ methods: { get_b_list: false } }),
    'plugins.list-aggregation.methods.get_b_list: is not a method such as Customer/get_customer_list'
  ],
  [
    { plugins: { 'entity-location': { ttl: -1 } } },
    'plugins.entity-location.ttl: -1 is not a whole number of at least 0'
  ],
  [{ lissten: [] }, 'lissten: is not a known key; did you mean listen?'],
  [{ Secret: 'x' }, 'Secret: is not a known key; did you mean secret?']
]

for (const [keys, mistake] of mistakes) {
  test(mistake, () => assert.deepEqual(mistakesIn(keys), [mistake]))
}

for (const [raw, mistake] of [
  [null, 'the file: null is not a mapping'],
  ['text', 'the file: "text" is not a mapping'],
  [7, 'the file: 7 is not a mapping']
] as const) {
  test(mistake, () => {
    assert.throws(() => parseConfig(raw, { directory: '/', env: {} }), { name: 'ConfigError', message: mistake })
  })
}

test('an empty config lacks three keys', () => {
  assert.throws(() => parseConfig({}, { directory: '/', env: {} }), {
    message: [
      'listen: is missing; it takes a list',
      'secret: is missing; it takes a text of at least 32 characters, or a list',
      'systems: is missing; it takes a mapping'
    ].join('\n')
  })
})

test('all mistakes are told at once, a line for each', () => {
  const keys = { listen: [{ port: 'x' }], bodyLimit: 1, defaultRelm: 'admin', plugins: { metrix: true, forward: {} } }
  assert.deepEqual([...mistakesIn({ ...keys, ...withSource({ url: 'x' }) })].sort(), [
    'bodyLimit: 1 is not a whole number of at least 1024',
    'defaultRelm: is not a known key; did you mean defaultRealm?',
    'listen[0].port: "x" is not a whole number from 0 to 65535',
    'plugins.forward: is always on and takes no options',
    'plugins.metrix: is not a known key; did you mean metrics?',
    `systems.source.url: "x" is not ${origin}`
  ])
})

test('a key that is near none is told which there are', () => {
  const [line] = mistakesIn({ quux: 1 })
  assert.match(line ?? '', /^quux: is not a known key; it may be one of listen, workers, .*plugins$/)
})

test('a long value is told by its beginning', () => {
  const [line] = mistakesIn({ logLevel: 'x'.repeat(500) })
  assert.ok(line?.startsWith('logLevel: "xxx') && line.length < 200)
})

const accepted: readonly (readonly [object, (config: ReturnType<typeof parse>) => unknown, unknown])[] = [
  [{}, ({ listen }) => listen, [{ port: 0, host: '0.0.0.0' }]],
  [{}, ({ ops }) => ops, { host: '127.0.0.1', port: 9090, hosts: [], token: '' }],
  [
    {},
    ({ trustProxy, bodyLimit, drain, debugHeaders }) => [trustProxy, bodyLimit, drain, debugHeaders],
    [false, 1_048_576, 30_000, false]
  ],
  [
    {},
    ({ apis }) => apis,
    { billing: ['/rest', '/soap', '/espf', '/doc/api'], portasip: ['/portasip'], callcontrol: ['/callcontrol'] }
  ],
  [{}, ({ systems }) => systems.source.timeouts, { connect: 2000, headers: 30_000, body: 60_000 }],
  [{}, ({ systems }) => systems.source.limits, { queue: 512, wait: 500 }],
  [withSource({ connections: 1, limits: { inFlight: 1 } }), ({ systems }) => systems.source.limits.inFlight, 1],
  [
    {},
    ({ limits }) => limits,
    { headBytes: 16_384, head: 20_000, body: 20_000, stalled: 60_000, eventLoopDelay: 1000 }
  ],
  [{}, ({ systems }) => systems.source.health, { path: '/rest/Generic/get_version', interval: 5000 }],
  [
    {},
    ({ systems }) => [systems.source.connections, systems.source.tls, systems.source.realms],
    [128, { insecure: false }, {}]
  ],
  [{}, ({ defaultRealm, realms }) => [defaultRealm, realms], [undefined, {}]],
  [withSource({ health: false }), ({ systems }) => systems.source.health, false],
  [
    withSource({ health: { interval: 1000 } }),
    ({ systems }) => systems.source.health,
    { path: '/rest/Generic/get_version', interval: 1000 }
  ],
  [
    withSource({ timeouts: { connect: 5 } }),
    ({ systems }) => systems.source.timeouts,
    { connect: 5, headers: 30_000, body: 60_000 }
  ],
  [withSource({ url: 'HTTPS://X.example:8444/' }), ({ systems }) => systems.source.url, 'HTTPS://X.example:8444/'],
  [withSource({ keys: 'https://a/jwks' }), ({ systems }) => systems.source.keys, ['https://a/jwks']],
  [{ trustProxy: '10.0.0.1' }, ({ trustProxy }) => trustProxy, '10.0.0.1'],
  [
    { trustProxy: ['10.0.0.0/8', 'fd00::/8', '::1', '127.0.0.1/32'] },
    ({ trustProxy }) => trustProxy,
    ['10.0.0.0/8', 'fd00::/8', '::1', '127.0.0.1/32']
  ],
  [{ ops: { hosts: ['Ops.example.com'] } }, ({ ops }) => ops.hosts, ['Ops.example.com']],
  [{ ops: { host: '::1' } }, ({ ops }) => ops.host, '::1'],
  [{ ops: { host: '0.0.0.0', token: 'x'.repeat(16) } }, ({ ops }) => ops.host, '0.0.0.0'],
  [{ apis: { billing: ['/api/v2.1/rest'] } }, ({ apis }) => apis.billing, ['/api/v2.1/rest']],
  [
    { realms: { admin: { hosts: ['*.a.example', 'B_1.example', 'localhost'] } } },
    ({ realms }) => realms.admin?.hosts,
    ['*.a.example', 'B_1.example', 'localhost']
  ],
  [{ listen: [{ port: 0 }, { port: 0 }] }, ({ listen }) => listen.length, 2]
]

for (const [keys, read, expected] of accepted) {
  test(`${JSON.stringify(keys)} gives ${JSON.stringify(expected)}`, () => assert.deepEqual(read(parse(keys)), expected))
}

test('the result is frozen, the input is as it was', () => {
  const raw = {
    ...structuredClone(least),
    ops: { token: `\${TOKEN:-}` },
    plugins: { 'remote-session': { cookie: { name: 'x' } } }
  }
  const before = structuredClone(raw)
  const config = parseConfig(raw, { directory: '/', env: {} })
  assert.deepEqual(raw, before)
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
  assert.ok(frozen(config))
  assert.ok(!Object.isFrozen(raw.listen) && !Object.isFrozen(raw.systems.source))
  assert.throws(() => Object.assign(config.systems.source, { url: 'x' }), TypeError)
})

for (const keys of [
  redirected({ host: 'www.customer.billing.com', to: 'https://a.example' }),
  redirected({ host: 'WWW.100-customer.billing.com', to: 'https://www.customer.billing.com', status: 301 }),
  redirected({ host: 'one.shop.example', to: 'http://two.shop.example:8080' }),
  { defaultRealm: 'customer', ...redirected({ host: 'any.example', to: 'https://a.example' }) },
  { listen: [{ port: 0, realm: 'customer' }], ...redirected({ host: 'any.example', to: 'https://a.example' }) },
  { plugins: { 'web-portal': {} } },
  { plugins: { 'web-portal': false } }
]) {
  test(`redirects: ${JSON.stringify(keys)} is valid`, () => assert.deepEqual(mistakesIn(keys), []))
}

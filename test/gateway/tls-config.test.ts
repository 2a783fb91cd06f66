import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { describe } from '../../gateway/describe.ts'
import { certificateFor, folder, inDays } from '../certificates.ts'
import { mistakesIn, parse, withSource } from './config.ts'

const ends: (() => void)[] = []
const files = folder({ after: (end) => ends.push(end as () => void) })
const { directory } = files
after(() => {
  for (const end of ends) end()
})

before(async () => {
  for (const [name, ...hosts] of [
    ['usual', 'localhost'],
    ['a', 'www.a.test', 'a.test'],
    ['wild', '*.a.test']
  ] as const) {
    const { cert, key } = await certificateFor(hosts)
    files.write(`${name}.pem`, cert)
    files.write(`${name}-key.pem`, key)
  }
  const { cert, key } = await certificateFor(['old.test'], { from: inDays(-9), until: inDays(-1) })
  files.write('old.pem', cert)
  files.write('old-key.pem', key)
  files.write('text.pem', 'x')
  files.write('roots.pem', `${cert}${(await certificateFor(['Root'])).cert}`)
  files.write('half.pem', `${cert}${cert.slice(0, 200)}`)
})

const usual = { cert: 'usual.pem', key: 'usual-key.pem' }
const pair = (name: string, ...hosts: string[]) => ({ hosts, cert: `${name}.pem`, key: `${name}-key.pem` })
const listener = (tls: object) => ({ listen: [{ port: 0 }, { port: 0, tls: { ...usual, ...tls } }] })
const at = 'listen[1].tls'

/** keys, their mistakes; DIR is where the files are */
const cases: readonly (readonly [object, ...string[]])[] = [
  [listener({})],
  [listener({ certificates: [] })],
  [listener({ certificates: [pair('a', 'WWW.a.test'), pair('wild', '*.a.test', 'x.a.test')] })],
  [listener({ certificates: [pair('old', 'old.test')] })],
  [listener({ hsts: false })],
  [listener({ hsts: { maxAge: 0 } })],
  [listener({ hsts: { maxAge: 31_536_000, includeSubDomains: true, preload: true } })],
  [listener({ cert: 'none.pem' }), `${at}.cert: DIR/none.pem cannot be read`],
  [listener({ key: 'text.pem' }), `${at}.key: DIR/text.pem holds no private key in PEM`],
  [listener({ key: 'a-key.pem' }), `${at}.key: DIR/a-key.pem is not the key of the first certificate in DIR/usual.pem`],
  [
    listener({ certificates: [pair('a', 'a.test'), { ...pair('none', 'b.test') }] }),
    `${at}.certificates[1].cert: DIR/none.pem cannot be read`,
    `${at}.certificates[1].key: DIR/none-key.pem cannot be read`
  ],
  [
    listener({ certificates: [pair('a', 'b.test')] }),
    `${at}.certificates[0].cert: DIR/a.pem is not for b.test, but for www.a.test, a.test`
  ],
  [
    listener({ certificates: [pair('a', 'a.test'), pair('a', 'www.a.test', 'A.test')] }),
    `${at}.certificates[1].hosts: A.test belongs to ${at}.certificates[0] already`
  ],
  [listener({ certificates: [pair('a')] }), `${at}.certificates[0].hosts: is empty; at least one is needed`],
  [
    listener({ certificates: [pair('a', 'a.test:443')] }),
    `${at}.certificates[0].hosts[0]: "a.test:443" is not a host name, or *. and a host name`
  ],
  [
    listener({ certificates: [{ ...pair('a', 'a.test'), hsts: false }] }),
    `${at}.certificates[0].hsts: is not a known key; did you mean hosts?`
  ],
  [listener({ hsts: true }), `${at}.hsts: true is not false, or a mapping`],
  [listener({ hsts: {} }), `${at}.hsts.maxAge: is missing; it takes a whole number of at least 0`],
  [listener({ hsts: { maxAge: -1 } }), `${at}.hsts.maxAge: -1 is not a whole number of at least 0`],
  ...[
    { maxAge: 31_536_000, preload: true },
    { maxAge: 300, includeSubDomains: true, preload: true }
  ].map((hsts): [object, string] => [
    listener({ hsts }),
    `${at}.hsts.preload: needs includeSubDomains: true, and a maxAge of at least 31536000`
  ]),
  [withSource({ tls: { ca: 'roots.pem', ...usual } })],
  [withSource({ tls: { ca: 'half.pem' } }), 'systems.source.tls.ca: DIR/half.pem is cut off'],
  [
    withSource({ tls: { ca: 'usual-key.pem' } }),
    'systems.source.tls.ca: DIR/usual-key.pem holds no certificate in PEM'
  ],
  [
    withSource({ tls: { cert: 'usual.pem' } }),
    'systems.source.tls.key: is missing; cert needs the key that belongs to it'
  ],
  [
    withSource({ tls: { key: 'usual-key.pem' } }),
    'systems.source.tls.cert: is missing; key needs the certificate that it belongs to'
  ],
  [
    withSource({ tls: { ...usual, key: 'a-key.pem' } }),
    'systems.source.tls.key: DIR/a-key.pem is not the key of the first certificate in DIR/usual.pem'
  ]
]

for (const [keys, ...mistakes] of cases) {
  test(`TLS in a config: ${mistakes.join('; ') || `${JSON.stringify(keys)} is good`}`, () => {
    const found = mistakesIn(keys, {}, directory).map((line) => line.replaceAll(directory, 'DIR'))
    assert.deepEqual(found, mistakes)
  })
}

test('--check names the hosts of realms that no certificate is for', () => {
  const tls = { ...usual, certificates: [pair('a', 'www.a.test'), pair('wild', '*.a.test')] }
  const hosts = {
    customer: ['www.a.test', 'X.a.test', 'a.test'],
    account: ['localhost', 'y.x.a.test', '*.a.test', '*.b.test']
  }
  const realms = Object.fromEntries(Object.entries(hosts).map(([realm, names]) => [realm, { hosts: names }]))
  const shown = (realm?: string) => {
    const listen = [{ port: 0, ...(realm && { realm }), tls }]
    return /no certificate for: (.*)/.exec(describe(parse({ listen, realms }, {}, directory)))?.[1]
  }
  assert.equal(shown(), 'a.test, y.x.a.test, *.b.test')
  assert.equal(shown('customer'), 'a.test')
  assert.equal(shown('admin'), undefined)
})

test('--check tells each listener’s certificates: their hosts, names and ends', () => {
  const tls = { ...usual, certificates: [pair('wild', '*.a.test', 'x.a.test'), pair('old', 'old.test')] }
  const hsts = { maxAge: 300, includeSubDomains: true }
  const listen = [{ port: 0 }, { host: '127.0.0.1', port: 8443, realm: 'customer', tls: { ...tls, hsts } }]
  const text = describe(parse({ listen, ...withSource({ tls: { ...usual, insecure: true } }) }, {}, directory))
  const end = inDays(90).toISOString().slice(0, 10)
  const shown = [
    'listen:',
    '  http://0.0.0.0:0',
    '  https://127.0.0.1:8443 (customer)',
    `    any other host: names localhost; until ${end}`,
    `    *.a.test, x.a.test: names *.a.test; until ${end}`,
    `    old.test: names old.test; until ${inDays(-1).toISOString().slice(0, 10)}: it has ended`,
    '    HSTS: max-age=300; includeSubDomains',
    'workers: 1\n' + 'realms'
  ]
  assert.equal(text.slice(0, text.indexOf('realms') + 6), shown.join('\n'))
  assert.ok(
    text.includes(
      `  source: MR100 at https://10.0.0.2 (any certificate is accepted)\n    our certificate there: names localhost; until ${end}\n  target: MR115`
    ),
    text
  )
})

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { certificateFor, folder, inDays, type Made } from '../certificates.ts'
import { until } from '../until.ts'
import { fingerprintSeen, greet, listenTls, namesSeen } from './tls-listener.ts'

const limit = { timeout: 20_000 }
const fingerprintOf = ({ cert }: Made) => new X509Certificate(cert).fingerprint256

/** A pair of files in a directory. */
function put(directory: string, { cert, key }: Made, name = 'tls') {
  const files = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  return files
}

/** The same pair, as renewals put it there: beside it, and then into its place. */
function replace(directory: string, { cert, key }: Made, name = 'tls') {
  for (const [end, text] of [
    ['crt', cert],
    ['key', key]
  ] as const) {
    const file = join(directory, `${name}.${end}`)
    writeFileSync(`${file}.new`, text)
    renameSync(`${file}.new`, file)
  }
}

async function sniListener(t: TestContext) {
  const { directory } = folder(t)
  const certificates = await Promise.all(
    (
      [
        ['a', 'www.a.test'],
        ['wild', '*.a.test'],
        ['b', 'b.test']
      ] as const
    ).map(async ([name, host]) => ({ hosts: [host], ...put(directory, await certificateFor([host]), name) }))
  )
  return listenTls(t, { ...put(directory, await certificateFor(['usual.test'])), certificates })
}

test('the certificate is that of the host that the client names', limit, async (t) => {
  const { port } = await sniListener(t)
  for (const [servername, name] of [
    ['www.a.test', 'www.a.test'],
    ['WWW.A.Test', 'www.a.test'],
    ['x.a.test', '*.a.test'],
    ['X.a.TEST', '*.a.test'],
    ['b.test', 'b.test'],
    // A wildcard is one label, no fewer and no more.
    ['a.test', 'usual.test'],
    ['y.x.a.test', 'usual.test'],
    ['x.b.test', 'usual.test'],
    ['unknown.test', 'usual.test'],
    ['localhost', 'usual.test'],
    ['usual.test', 'usual.test'],
    [undefined, 'usual.test']
  ] as const) {
    await t.test(`${servername ?? 'no host'} gets ${name}`, async () => {
      assert.equal(await namesSeen(port, servername), `DNS:${name}`)
    })
  }
})

test('TLS 1.1 is refused, at each of the certificates', limit, async (t) => {
  const { port } = await sniListener(t)
  // This client would speak it.
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
  for (const servername of ['usual.test', 'b.test']) {
    await assert.rejects(greet(port, { ...old, servername }), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await greet(port, { servername, minVersion: version, maxVersion: version })
      assert.equal(socket.getProtocol(), version)
      socket.destroy()
    }
  }
})

/** How files come to hold something else, by whoever renews them. */
interface Way {
  readonly what: string
  /** Lays the files out; gives their names. */
  lay(directory: string, first: Made): { readonly cert: string; readonly key: string }
  swap(directory: string, second: Made): void
}

function putBelow(directory: string, name: string, made: Made) {
  mkdirSync(join(directory, name))
  return put(join(directory, name), made)
}

function turnLink(directory: string, name: string, to: string) {
  symlinkSync(to, join(directory, `${name}.new`))
  renameSync(join(directory, `${name}.new`), join(directory, name))
}

const ways: readonly Way[] = [
  { what: 'written over', lay: put, swap: put },
  { what: 'renamed over', lay: put, swap: replace },
  {
    what: 'a link in the way turned, as Kubernetes does',
    lay(directory, first) {
      putBelow(directory, '..1', first)
      symlinkSync('..1', join(directory, '..data'))
      for (const name of ['tls.crt', 'tls.key']) symlinkSync(`..data/${name}`, join(directory, name))
      return { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') }
    },
    swap(directory, second) {
      putBelow(directory, '..2', second)
      turnLink(directory, '..data', '..2')
      rmSync(join(directory, '..1'), { recursive: true })
    }
  },
  {
    what: 'links behind a link turned, as certbot does',
    lay(directory, first) {
      putBelow(directory, 'archive', first)
      mkdirSync(join(directory, 'live'))
      for (const name of ['tls.crt', 'tls.key']) {
        symlinkSync(`../archive/${name}`, join(directory, 'live', name))
        symlinkSync(`live/${name}`, join(directory, name))
      }
      return { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') }
    },
    swap(directory, second) {
      put(join(directory, 'archive'), second, 'second')
      for (const end of ['crt', 'key']) turnLink(join(directory, 'live'), `tls.${end}`, `../archive/second.${end}`)
    }
  },
  {
    what: 'their directory removed and made anew',
    lay: (directory, first) => putBelow(directory, 'own', first),
    swap(directory, second) {
      rmSync(join(directory, 'own'), { recursive: true })
      putBelow(directory, 'own', second)
    }
  }
]

for (const { what, lay, swap } of ways) {
  test(`files that change are seen: ${what}, twice`, limit, async (t) => {
    const { directory } = folder(t)
    const made = await Promise.all([1, 2, 3].map(() => certificateFor(['a.test'])))
    const [first, second, third] = made as [Made, Made, Made]
    const files = lay(directory, first)
    const { port } = await listenTls(t, { ...files })
    assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(first))
    swap(directory, second)
    await until(async () => (await fingerprintSeen(port, 'a.test')) === fingerprintOf(second))
    // Over the same names, wherever they lead to by now.
    put(join(files.cert, '..'), third)
    await until(async () => (await fingerprintSeen(port, 'a.test')) === fingerprintOf(third))
  })
}

test(
  'a pair of which one half is there yet: the old one stays, one warning, and the other half ends it',
  limit,
  async (t) => {
    const { directory } = folder(t)
    const [first, second] = await Promise.all([certificateFor(['a.test']), certificateFor(['a.test'])])
    const files = put(directory, first)
    const { port, lines, logText } = await listenTls(t, { ...files })
    writeFileSync(files.cert, second.cert)
    const isWarned = () => lines.filter(({ level }) => level === 40).length > 0
    await until(isWarned)
    assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(first))
    writeFileSync(files.key, second.key)
    await until(async () => (await fingerprintSeen(port, 'a.test')) === fingerprintOf(second))
    assert.deepEqual(
      lines.map(({ level, path, msg, why }) => [level, path, msg, why]),
      [
        [
          40,
          'listen[0].tls',
          'a certificate cannot be used; the one before it stays',
          `${files.key} is not the key of the first certificate in ${files.cert}`
        ],
        [30, 'listen[0].tls', 'a certificate was replaced', undefined]
      ]
    )
    const [, replaced] = lines
    assert.ok(fingerprintOf(second).startsWith(replaced?.fingerprint ?? '-'))
    for (const { key } of [first, second]) {
      for (const line of key.split('\n').slice(1, -2)) assert.ok(!logText().includes(line), 'a key in the log')
    }
  }
)

test('a directory far above that is another one: asked to read again, the gateway watches there', limit, async (t) => {
  const { directory } = folder(t)
  const made = await Promise.all([1, 2, 3].map(() => certificateFor(['a.test'])))
  const [first, second, third] = made as [Made, Made, Made]
  for (const [above, one] of [
    ['above', first],
    ['next', second]
  ] as const) {
    mkdirSync(join(directory, above, 'between'), { recursive: true })
    putBelow(join(directory, above, 'between'), 'own', one)
  }
  const own = join(directory, 'above', 'between', 'own')
  const files = { cert: join(own, 'tls.crt'), key: join(own, 'tls.key') }
  const { listeners, port } = await listenTls(t, files)
  renameSync(join(directory, 'above'), join(directory, 'before'))
  renameSync(join(directory, 'next'), join(directory, 'above'))
  listeners.reloadCertificates()
  assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(second))
  put(own, third)
  await until(async () => (await fingerprintSeen(port, 'a.test')) === fingerprintOf(third))
})

test('what is wrong with a certificate is told once, however often others change', limit, async (t) => {
  const { directory } = folder(t)
  const made = await Promise.all(['usual.test', 'usual.test', 'a.test'].map((name) => certificateFor([name])))
  const [usual, next, own] = made as [Made, Made, Made]
  const files = put(directory, own, 'own')
  const { port, lines } = await listenTls(t, {
    ...put(directory, usual),
    certificates: [{ hosts: ['a.test'], ...files }]
  })
  writeFileSync(files.key, 'x')
  const warnings = () => lines.filter(({ level }) => level === 40)
  await until(() => warnings().length > 0)
  put(directory, next)
  await until(async () => (await fingerprintSeen(port, 'usual.test')) === fingerprintOf(next))
  assert.equal(warnings().length, 1)
  assert.equal(warnings()[0]?.path, 'listen[0].tls.certificates[0]')
})

/** What stands in the place of a good pair, and why it is not taken. */
const bad: readonly (readonly [string, (files: { cert: string; key: string }) => unknown, RegExp])[] = [
  ['no file', ({ cert }) => rmSync(cert), /cannot be read/],
  ['an empty file', ({ cert }) => writeFileSync(cert, ''), /holds no certificate in PEM/],
  ['a key that is none', ({ key }) => writeFileSync(key, 'x'), /holds no private key in PEM/]
]

for (const [what, spoil, why] of bad) {
  test(
    `asked to read again, and there is ${what}: each asking is answered, and the old one stays`,
    limit,
    async (t) => {
      const { directory } = folder(t)
      const [usual, own] = await Promise.all([certificateFor(['usual.test']), certificateFor(['a.test'])])
      const files = put(directory, own, 'own')
      const { listeners, port, lines } = await listenTls(t, {
        ...put(directory, usual),
        certificates: [{ hosts: ['a.test'], ...files }]
      })
      spoil(files)
      await until(() => lines.length > 0)
      for (const times of [2, 3]) {
        listeners.reloadCertificates()
        const warnings = lines.filter(({ level }) => level === 40)
        assert.equal(warnings.length, times)
        assert.equal(warnings.at(-1)?.path, 'listen[0].tls.certificates[0]')
        assert.match(warnings.at(-1)?.why ?? '', why)
      }
      assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(own))
    }
  )
}

test('one certificate that cannot be used does not keep the others from being replaced', limit, async (t) => {
  const { directory } = folder(t)
  const made = await Promise.all(['usual.test', 'a.test', 'usual.test'].map((name) => certificateFor([name])))
  const [usual, own, next] = made as [Made, Made, Made]
  const files = put(directory, own, 'own')
  const certificates = [{ hosts: ['a.test'], ...files }]
  const { listeners, port } = await listenTls(t, { ...put(directory, usual), certificates })
  rmSync(files.key)
  put(directory, next)
  listeners.reloadCertificates()
  assert.equal(await fingerprintSeen(port, 'usual.test'), fingerprintOf(next))
  assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(own))
})

test('a new certificate for other hosts is not taken', limit, async (t) => {
  const { directory } = folder(t)
  const [usual, own, other] = await Promise.all(
    ['usual.test', 'a.test', 'b.test'].map((name) => certificateFor([name]))
  )
  const certificates = [{ hosts: ['a.test'], ...put(directory, own as Made, 'own') }]
  const { listeners, port, lines } = await listenTls(t, { ...put(directory, usual as Made), certificates })
  put(directory, other as Made, 'own')
  listeners.reloadCertificates()
  assert.match(lines[0]?.why ?? '', /is not for a\.test, but for b\.test$/)
  assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(own as Made))
})

test('asked to read again where nothing has changed: the log says so', limit, async (t) => {
  const { directory } = folder(t)
  const { listeners, lines } = await listenTls(t, put(directory, await certificateFor(['a.test'])))
  listeners.reloadCertificates()
  assert.deepEqual(
    lines.map(({ level, msg }) => [level, msg]),
    [[30, 'no certificate has changed']]
  )
})

for (const [days, msg] of [
  [5, 'a certificate ends soon'],
  [-1, 'a certificate has ended']
] as const) {
  test(`${msg}: a warning, at the start and as it comes`, limit, async (t) => {
    const { directory } = folder(t)
    const made = await Promise.all(
      [1, 2].map(() => certificateFor(['a.test'], { from: inDays(-50), until: inDays(days) }))
    )
    const [first, second] = made as [Made, Made]
    const { listeners, lines } = await listenTls(t, put(directory, first))
    put(directory, second)
    listeners.reloadCertificates()
    const warnings = lines.filter(({ level }) => level === 40)
    assert.deepEqual(
      warnings.map((line) => [
        line.msg,
        fingerprintOf(line === warnings[0] ? first : second).startsWith(line.fingerprint ?? '-')
      ]),
      [
        [msg, true],
        [msg, true]
      ]
    )
  })
}

test('one that has ended does not take the place of one that has not', limit, async (t) => {
  const { directory } = folder(t)
  const [first, old] = await Promise.all([
    certificateFor(['a.test']),
    certificateFor(['a.test'], { from: inDays(-9), until: inDays(-1) })
  ])
  const files = put(directory, first)
  const { listeners, port, lines } = await listenTls(t, files)
  put(directory, old)
  listeners.reloadCertificates()
  assert.deepEqual(
    lines.map(({ level, msg, why }) => [level, why ?? msg]),
    [
      [40, `${files.cert} has ended`],
      [30, 'no certificate has changed']
    ]
  )
  assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(first))
})

test('one that has not begun waits until it has', limit, async (t) => {
  const { directory } = folder(t)
  const begins = new Date(Date.now() + 5_400_000)
  const [first, next] = await Promise.all([certificateFor(['a.test']), certificateFor(['a.test'], { from: begins })])
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.now() })
  const { listeners, port, lines } = await listenTls(t, put(directory, first))
  put(directory, next)
  listeners.reloadCertificates()
  assert.match(lines[0]?.why ?? '', / has not begun yet$/)
  for (const expected of [first, next]) {
    // An hour each: it begins in the second.
    t.mock.timers.tick(3_600_000)
    assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(expected))
  }
  assert.deepEqual(
    lines.map(({ level }) => level),
    [40, 30, 30]
  )
  assert.equal(lines.at(-1)?.msg, 'a certificate was replaced')
})

test('a certificate that ends soon is warned of once a day', limit, async (t) => {
  const { directory } = folder(t)
  const own = await certificateFor(['a.test'], { from: inDays(-50), until: inDays(5) })
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.now() })
  const { lines } = await listenTls(t, put(directory, own))
  const hourMs = 3_600_000
  for (const [hours, times] of [
    [23, 1],
    [1, 2],
    [23, 2],
    [1, 3]
  ] as const) {
    t.mock.timers.tick(hours * hourMs)
    assert.equal(lines.length, times)
  }
  assert.ok(lines.every(({ msg }) => msg === 'a certificate ends soon'))
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(
    `${version}: a connection that stands goes on across a change; a client that resumes sees the new one`,
    limit,
    async (t) => {
      const { directory } = folder(t)
      const [first, second] = await Promise.all([certificateFor(['a.test']), certificateFor(['a.test'])])
      const { listeners, port } = await listenTls(t, put(directory, first))
      const options = { servername: 'a.test', maxVersion: version }
      const standing = await greet(port, options)
      t.after(() => standing.destroy())
      standing.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const [before] = await once(standing.setEncoding('latin1'), 'data')
      assert.match(String(before), /^HTTP\/1\.1 200/)
      const session = standing.getSession()
      assert.ok(session !== undefined)
      async function resumes() {
        const socket = await greet(port, { ...options, session: session as Buffer })
        const isReused = socket.isSessionReused()
        socket.destroy()
        return isReused
      }
      assert.equal(await resumes(), true)

      put(directory, second)
      listeners.reloadCertificates()
      standing.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const [after] = await once(standing, 'data')
      assert.match(String(after), /^HTTP\/1\.1 200/)
      assert.equal(await resumes(), false)
      assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(second))
    }
  )
}

/** What this process watches, as Linux tells it. */
const watches = () =>
  readdirSync('/proc/self/fdinfo').flatMap((name) => {
    // One that was closed since.
    const file = join('/proc/self/fdinfo', name)
    return existsSync(file) ? (readFileSync(file, 'latin1').match(/^inotify wd:/gm) ?? []) : []
  }).length

test('many changes leave no watch behind, and neither does the end', limit, async (t) => {
  const { directory } = folder(t)
  const made = await Promise.all([1, 2].map(() => certificateFor(['a.test'])))
  const before = watches()
  const { listeners, port } = await listenTls(t, put(directory, made[0] as Made))
  const once = watches()
  assert.ok(once > before)
  for (let at = 1; at <= 40; at++) {
    replace(directory, made[at % 2] as Made)
    listeners.reloadCertificates()
    assert.equal(await fingerprintSeen(port, 'a.test'), fingerprintOf(made[at % 2] as Made))
  }
  assert.equal(watches(), once)
  await listeners.close(0)
  await until(() => watches() === before)
})

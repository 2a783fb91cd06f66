import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { after, before, test } from 'node:test'
import { readCertificate, timeWarning } from '../../gateway/certificate.ts'
import { certificateFor, dayMs, folder, inDays, type Made } from '../certificates.ts'
import { pems } from './pems.ts'

/** Certificates by what they are for; made once. */
const made = {} as Record<'root' | 'issuer' | 'own' | 'wild' | 'bare' | 'other', Made>
let files: ReturnType<typeof folder>
const ends: (() => void)[] = []

before(async () => {
  files = folder({ after: (end) => ends.push(end as () => void) })
  made.root = await certificateFor(['Root'], { isAuthority: true })
  made.issuer = await certificateFor(['Issuer'], { isAuthority: true, by: made.root })
  made.own = await certificateFor(['www.a.test', 'a.test'], { by: made.issuer })
  made.wild = await certificateFor(['*.a.test'], { by: made.issuer })
  made.bare = await certificateFor([])
  made.other = await certificateFor(['www.b.test'])
})
after(() => {
  for (const end of ends) end()
})

interface Case {
  readonly what: string
  readonly cert?: () => string | undefined
  readonly key?: () => string | undefined
  readonly hosts?: readonly string[]
  readonly mistakes: readonly string[]
}

const whole = () => made.own.cert + made.issuer.cert
const ownKey = () => made.own.key
const encrypted = () =>
  createPrivateKey(made.own.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' })
    .toString()

const cases: readonly Case[] = [
  { what: 'a certificate with its chain', cert: whole, key: ownKey, hosts: ['www.a.test', 'a.test'], mistakes: [] },
  { what: 'one without its chain', cert: () => made.own.cert, key: ownKey, mistakes: [] },
  { what: 'one with the whole chain', cert: () => whole() + made.root.cert, key: ownKey, mistakes: [] },
  { what: 'text around it', cert: () => `subject=CN = a\n${whole()}\nend\n`, key: ownKey, mistakes: [] },
  {
    what: 'certificate and key in one file',
    cert: () => ownKey() + whole(),
    key: () => whole() + ownKey(),
    mistakes: []
  },
  { what: 'no files', mistakes: ['cert: CERT cannot be read', 'key: KEY cannot be read'] },
  {
    what: 'empty files',
    cert: () => '',
    key: () => '',
    mistakes: ['cert: CERT holds no certificate in PEM', 'key: KEY holds no private key in PEM']
  },
  { what: 'a key for a certificate', cert: ownKey, key: ownKey, mistakes: ['cert: CERT holds no certificate in PEM'] },
  {
    what: 'a public key for a key',
    cert: whole,
    key: () => pems.publicKey,
    mistakes: ['key: KEY holds no private key in PEM']
  },
  {
    what: 'an encrypted key',
    cert: whole,
    key: encrypted,
    mistakes: ['key: KEY is encrypted; a key without a passphrase is wanted']
  },
  {
    what: 'another’s key',
    cert: whole,
    key: () => made.other.key,
    mistakes: ['key: KEY is not the key of the first certificate in CERT']
  },
  {
    what: 'the issuer first',
    cert: () => made.issuer.cert + made.own.cert,
    key: ownKey,
    mistakes: ['key: KEY is not the key of the first certificate in CERT']
  },
  {
    what: 'the root before the issuer',
    cert: () => made.own.cert + made.root.cert + made.issuer.cert,
    key: ownKey,
    mistakes: ['cert: CERT has its certificates in the wrong order: number 2 has issued none before it']
  },
  {
    what: 'another’s certificate in the chain',
    cert: () => whole() + made.other.cert,
    key: ownKey,
    mistakes: ['cert: CERT has its certificates in the wrong order: number 3 has issued none before it']
  },
  {
    what: 'a file that is cut within its chain',
    cert: () => whole().slice(0, -200),
    key: ownKey,
    mistakes: ['cert: CERT is cut off']
  },
  {
    what: 'a certificate that is damaged',
    cert: () => made.own.cert.replace('MII', 'MIJ'),
    key: ownKey,
    mistakes: ['cert: CERT holds no certificate in PEM']
  },
  {
    what: 'a host that it does not name',
    cert: whole,
    key: ownKey,
    hosts: ['a.test', 'x.a.test'],
    mistakes: ['cert: CERT is not for x.a.test, but for www.a.test, a.test']
  },
  {
    what: 'a wildcard that it does not have',
    cert: whole,
    key: ownKey,
    hosts: ['*.a.test'],
    mistakes: ['cert: CERT is not for *.a.test, but for www.a.test, a.test']
  },
  {
    what: 'its wildcard',
    cert: () => made.wild.cert,
    key: () => made.wild.key,
    hosts: ['*.a.test', 'x.a.test'],
    mistakes: []
  },
  {
    what: 'two labels under its wildcard',
    cert: () => made.wild.cert,
    key: () => made.wild.key,
    hosts: ['x.y.a.test'],
    mistakes: ['cert: CERT is not for x.y.a.test, but for *.a.test']
  },
  {
    what: 'a name in its subject alone',
    cert: () => made.bare.cert,
    key: () => made.bare.key,
    hosts: ['nobody'],
    mistakes: ['cert: CERT is not for nobody, but for no host']
  }
]

for (const { what, cert, key, hosts = [], mistakes } of cases) {
  test(`a certificate's files: ${what}: ${mistakes.length === 0 ? 'good' : mistakes.join('; ')}`, () => {
    const paths = { cert: `${files.directory}/none.pem`, key: `${files.directory}/none-key.pem` }
    if (cert !== undefined) paths.cert = files.write('cert.pem', cert() ?? '')
    if (key !== undefined) paths.key = files.write('key.pem', key() ?? '')
    const read = readCertificate(paths, hosts)
    const lines = 'pems' in read ? [] : read.map(([file, line]) => `${file}: ${line}`)
    assert.deepEqual(
      lines.map((line) => line.replaceAll(paths.cert, 'CERT').replaceAll(paths.key, 'KEY')),
      mistakes
    )
  })
}

test('a certificate that is read again is the same one while its files are', async () => {
  const paths = { cert: files.write('again.pem', made.own.cert), key: files.write('again-key.pem', made.own.key) }
  const first = readCertificate(paths, [])
  assert.ok('pems' in first)
  assert.deepEqual(first.names, ['www.a.test', 'a.test'])
  assert.match(first.fingerprint, /^(?:[0-9A-F]{2}:){7}[0-9A-F]{2}$/)
  assert.equal(readCertificate(paths, [], first), first)
  files.write('again.pem', whole())
  const second = readCertificate(paths, [], first)
  assert.ok('pems' in second && second !== first)
  assert.equal(second.fingerprint, first.fingerprint)
})

/** begun and ending in so many days, what is said of it */
const times: readonly (readonly [number, number, string | null])[] = [
  [-60, 30, null],
  [-76, 15, null],
  [-77, 13, 'ends soon'],
  [-200, 0, 'has ended'],
  [-200, -1, 'has ended'],
  [1, 90, 'has not begun yet'],
  // A short life has a short end.
  [-4, 2, null],
  [-5, 1, 'ends soon'],
  [-0.7, 0.3, null],
  [-0.8, 0.2, 'ends soon']
]

for (const [from, until, warning] of times) {
  test(`a certificate of ${from} to ${until} days: ${warning ?? 'nothing is said'}`, () => {
    const now = Date.now()
    const at = (days: number) => new Date(now + days * dayMs)
    assert.equal(timeWarning({ from: at(from), until: at(until) }, now), warning)
  })
}

test('a certificate’s times are its own', async () => {
  const { cert, key } = await certificateFor(['a.test'], { from: inDays(-3), until: inDays(-2) })
  const read = readCertificate({ cert: files.write('t.pem', cert), key: files.write('t-key.pem', key) }, [])
  assert.ok('pems' in read)
  assert.equal(timeWarning(read), 'has ended')
})

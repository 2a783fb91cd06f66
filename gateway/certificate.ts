/**
 * A certificate with its chain and its private key, as two files hold them: checked against each other, and against the
 * hosts that it is for. What is wrong is told in words, for the config's check and for the log alike.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

export interface Certificate {
  readonly pems: { readonly cert: Buffer; readonly key: Buffer }
  /** The hosts that it names itself. */
  readonly names: readonly string[]
  /** The beginning of its SHA-256, as `openssl x509 -fingerprint -sha256` shows it. */
  readonly fingerprint: string
  readonly from: Date
  readonly until: Date
  /** Other bytes in its files, another digest. */
  readonly digest: string
}

/** What is wrong, and with which of the two files. */
export type Mistake = readonly [file: keyof CertificateFiles, what: string]

const block = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g

/** All certificates of a file; throws, in words, where there is none, or one cannot be read. */
export function certificatesIn(bytes: Buffer): [X509Certificate, ...X509Certificate[]] {
  const text = bytes.toString('latin1')
  const [first, ...others] = (text.match(block) ?? []).map(parse)
  if (first === undefined) throw new Error('holds no certificate in PEM')
  // A file that is being written shows its beginning.
  if (text.split('-----BEGIN ').length !== text.split('-----END ').length) throw new Error('is cut off')
  return [first, ...others]
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new Error('holds no certificate in PEM')
  }
}

const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** The private key of a file; throws in words. */
function privateKeyIn(bytes: Buffer): KeyObject {
  try {
    return createPrivateKey(bytes)
  } catch {
    const isLocked = encrypted.test(bytes.toString('latin1'))
    throw new Error(isLocked ? 'is encrypted; a key without a passphrase is wanted' : 'holds no private key in PEM')
  }
}

/** Certificates that stand behind one that they did not issue: clients may not find their way to the authority. */
const strayIn = (chain: readonly X509Certificate[]) =>
  chain.findIndex((one, at) => at > 0 && !chain.slice(0, at).some((earlier) => earlier.checkIssued(one)))

/** Whether clients take it for this host: by its own names, no longer by its subject (RFC 9525 section 6). */
function covers(certificate: X509Certificate, host: string): boolean {
  const name = host.startsWith('*.') ? `any-other-name${host.slice(1)}` : host
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
}

function readFile(file: string, key: keyof CertificateFiles, mistakes: Mistake[]): Buffer | null {
  try {
    return readFileSync(file)
  } catch {
    mistakes.push([key, `${file} cannot be read`])
    return null
  }
}

/** What parses bytes, or null beside a mistake. */
function attempt<Result>(mistakes: Mistake[], key: keyof CertificateFiles, file: string, read: () => Result) {
  try {
    return read()
  } catch (error) {
    mistakes.push([key, `${file} ${(error as Error).message}`])
    return null
  }
}

/** Reads the two files; `known` comes back as it is when they still hold it. */
export function readCertificate(
  { cert, key }: CertificateFiles,
  hosts: readonly string[],
  known?: Certificate
): Certificate | readonly Mistake[] {
  const mistakes: Mistake[] = []
  const pems = { cert: readFile(cert, 'cert', mistakes), key: readFile(key, 'key', mistakes) }
  const digest = createHash('sha256')
    .update(pems.cert ?? '')
    .update('\n')
    .update(pems.key ?? '')
    .digest('hex')
  if (known?.digest === digest) return known
  const chain = pems.cert === null ? null : attempt(mistakes, 'cert', cert, () => certificatesIn(pems.cert as Buffer))
  const secret = pems.key === null ? null : attempt(mistakes, 'key', key, () => privateKeyIn(pems.key as Buffer))
  if (pems.cert === null || pems.key === null || chain === null || secret === null) return mistakes
  const [own] = chain
  const whole = { cert: pems.cert, key: pems.key }
  mistakes.push(...pairMistakes({ cert, key }, whole, chain, secret))
  const bare = hosts.filter((host) => !covers(own, host))
  if (bare.length > 0)
    mistakes.push(['cert', `${cert} is not for ${bare.join(', ')}, but for ${namesOf(own).join(', ') || 'no host'}`])
  if (mistakes.length > 0) return mistakes
  return {
    pems: whole,
    names: namesOf(own),
    fingerprint: own.fingerprint256.slice(0, 23),
    from: own.validFromDate,
    until: own.validToDate,
    digest
  }
}

function pairMistakes(
  { cert, key }: CertificateFiles,
  pems: Certificate['pems'],
  chain: readonly [X509Certificate, ...X509Certificate[]],
  secret: KeyObject
): Mistake[] {
  if (!chain[0].checkPrivateKey(secret)) return [['key', `${key} is not the key of the first certificate in ${cert}`]]
  const stray = strayIn(chain)
  if (stray !== -1) {
    return [['cert', `${cert} has its certificates in the wrong order: number ${stray + 1} has issued none before it`]]
  }
  try {
    createSecureContext(pems)
    return []
  } catch (error) {
    return [['cert', `${cert} cannot be used for TLS (${(error as NodeJS.ErrnoException).code})`]]
  }
}

/** The hosts and addresses that a certificate names. */
const namesOf = ({ subjectAltName = '' }: X509Certificate): string[] =>
  subjectAltName.split(', ').flatMap((one) => /^(?:DNS|IP Address):(.+)$/.exec(one)?.[1] ?? [])

const dayMs = 86_400_000
/** How long before its end a certificate is warned of; less where its whole life is short. */
const soonMs = 14 * dayMs
const soonShare = 1 / 4

/** Whether clients take it now, as far as its time goes. */
export const isInTime = ({ from, until }: Pick<Certificate, 'from' | 'until'>, now = Date.now()) =>
  from.getTime() <= now && now < until.getTime()

/** What is wrong with a certificate's time, in words; null while it is good for long enough. */
export function timeWarning({ from, until }: Pick<Certificate, 'from' | 'until'>, now = Date.now()): string | null {
  if (until.getTime() <= now) return 'has ended'
  if (from.getTime() > now) return 'has not begun yet'
  const leftMs = until.getTime() - now
  return leftMs < Math.min(soonMs, (until.getTime() - from.getTime()) * soonShare) ? 'ends soon' : null
}

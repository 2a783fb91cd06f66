/**
 * The certificates of one listener: which one a client gets, by the host that it names (SNI), and how new ones take the
 * place of the old ones while it listens. Connections that stand are not touched by that.
 */
import { createSecureContext, type SecureContext, type Server, type TlsOptions } from 'node:tls'
import type { FastifyBaseLogger } from 'fastify'
import { hostName } from '../core/hosts.ts'
import { type Certificate, isInTime, readCertificate, timeWarning } from './certificate.ts'
import type { Config } from './config-schema.ts'
import { type FileWatch, watchFiles } from './file-watch.ts'
import { clientCertificates, foundFor, type OwnFiles, ownFiles, readSound } from './own-certificates.ts'
import type { ListenerTls } from './tls-schema.ts'

const minVersion = 'TLSv1.2'
/** What no event tells is seen at a look from time to time: a file on a network disk, and a certificate's end, ms. */
const lookEveryMs = 3_600_000
const warnEveryMs = 86_400_000

interface Entry extends OwnFiles {
  certificate: Certificate
  /** Why it could not be read again, as it was logged; '' when it could. */
  told: string
}

export interface Certificates {
  /** What a TLS server is made with. */
  readonly options: TlsOptions
  /** Looks after the server's certificates from when it listens until it is closed; gives what reads them at once. */
  lookAfter(server: Server): () => void
}

/** What a log line tells of a certificate. */
const shown = ({ path, hosts, certificate: { names, fingerprint, until } }: Shown) => ({
  path,
  ...(hosts !== undefined && { hosts }),
  names,
  fingerprint,
  until
})

type Shown = Pick<Entry, 'path' | 'certificate'> & { readonly hosts?: readonly string[] }

function warnOfTimes(entries: readonly Shown[], log: FastifyBaseLogger) {
  for (const entry of entries) {
    const warning = timeWarning(entry.certificate)
    if (warning !== null) log.warn(shown(entry), `a certificate ${warning}`)
  }
}

/** Those by which the gateway proves itself to the systems are read once, so their end is told at the start. */
export const warnOfClientCertificates = (config: Pick<Config, 'systems'>, log: FastifyBaseLogger) =>
  warnOfTimes(clientCertificates(config), log)

/** What the files hold now; in words, why that is nothing to take in the place of this one. */
function readNext({ files, hosts, certificate }: Entry): Certificate | string {
  const read = readCertificate(files, hosts, certificate)
  if (!('pems' in read)) return read.map(([, what]) => what).join('; ')
  if (isInTime(read) || !isInTime(certificate)) return read
  return `${files.cert} ${timeWarning(read)}`
}

/** Reads a certificate again; true when it is another one. One that cannot be used changes nothing. */
function readAgain(entry: Entry, isAsked: boolean, log: FastifyBaseLogger): boolean {
  const { path, certificate } = entry
  const read = readNext(entry)
  if (typeof read === 'string') {
    const why = read
    // A pair of which one half is there is told once, and tried again as the other comes.
    if (isAsked || why !== entry.told) log.warn({ path, why }, 'a certificate cannot be used; the one before it stays')
    entry.told = why
    return false
  }
  entry.told = ''
  entry.certificate = read
  return read !== certificate
}

export function createCertificates(tls: ListenerTls, path: string, log: FastifyBaseLogger): Certificates {
  const entries = ownFiles(tls, path).map((one): Entry => ({ ...one, certificate: readSound(one), told: '' }))
  let byHost: ReadonlyMap<string, SecureContext>

  /** For clients that name none of the hosts, or no host. */
  const usual = () => ({ ...entries[0]?.certificate.pems, minVersion }) as const

  function prepare() {
    byHost = new Map(
      entries.slice(1).flatMap(({ hosts, certificate: { pems } }) => {
        const context = createSecureContext({ ...pems, minVersion })
        return hosts.map((host) => [host, context] as const)
      })
    )
  }

  function look(server: Server, isAsked: boolean) {
    const changed = entries.filter((entry) => readAgain(entry, isAsked, log))
    if (changed.length === 0) {
      if (isAsked) log.info({ path }, 'no certificate has changed')
      return
    }
    prepare()
    // With it go the keys of the tickets by which clients resume: their next connection sees what is new.
    server.setSecureContext(usual())
    for (const entry of changed) log.info(shown(entry), 'a certificate was replaced')
    warnOfTimes(changed, log)
  }

  function lookAfter(server: Server): () => void {
    let watch: FileWatch | undefined
    function lookAgain(isAsked: boolean) {
      watch?.follow()
      look(server, isAsked)
    }
    server.once('listening', () => {
      warnOfTimes(entries, log)
      let warnedAt = Date.now()
      const files = entries.flatMap(({ files: { cert, key } }) => [cert, key])
      watch = watchFiles(
        files,
        () => look(server, false),
        (directory, err) => log.warn({ path, directory, err }, 'certificates are not watched there; send SIGHUP')
      )
      const timer = setInterval(() => {
        lookAgain(false)
        if (Date.now() - warnedAt < warnEveryMs) return
        warnedAt = Date.now()
        warnOfTimes(entries, log)
      }, lookEveryMs).unref()
      // What changed before anybody watched.
      look(server, false)
      server.once('close', () => {
        watch?.close()
        clearInterval(timer)
      })
    })
    return () => lookAgain(true)
  }

  prepare()
  const options: TlsOptions = {
    ...usual(),
    SNICallback: (servername, done) => done(null, foundFor(hostName(servername), byHost))
  }
  return { options, lookAfter }
}

/**
 * The certificates that a config names, at its listeners and towards its systems: where they are, and what they are for.
 */
import { hostName } from '../core/hosts.ts'
import { systemNames } from '../core/words.ts'
import { type Certificate, type CertificateFiles, readCertificate } from './certificate.ts'
import { ConfigError } from './config-error.ts'
import type { Config } from './config-schema.ts'
import type { ListenerTls } from './tls-schema.ts'

/** Where a certificate is, and what it is for: no hosts where it is for all others. */
export interface OwnFiles {
  readonly path: string
  readonly files: CertificateFiles
  readonly hosts: readonly string[]
}

/** The files of a listener's certificates, the one for every other host first. */
export const ownFiles = ({ cert, key, certificates = [] }: ListenerTls, path: string): OwnFiles[] => [
  { path, files: { cert, key }, hosts: [] },
  ...certificates.map((one, at) => ({
    path: `${path}.certificates[${at}]`,
    files: { cert: one.cert, key: one.key },
    hosts: one.hosts.map(hostName)
  }))
]

/** Reads a certificate that the config's check has found sound a moment ago. */
export function readSound({ path, files, hosts }: OwnFiles): Certificate {
  const read = readCertificate(files, hosts)
  if ('pems' in read) return read
  throw new ConfigError(read.map(([key, what]) => `${path}.${key}: ${what}`))
}

/** `*.` and what is behind a host's first label. */
const wildcardOf = (host: string) => `*${host.slice(host.indexOf('.'))}`

/** What there is for a host: its own wins over a wildcard's, which is one label (RFC 9525 section 6.3). */
export const foundFor = <One>(host: string, byHost: ReadonlyMap<string, One>) =>
  byHost.get(host) ?? byHost.get(wildcardOf(host))

/** Which of these hosts would get a certificate that does not name them. */
export function bareHosts(tls: ListenerTls, hosts: readonly string[]): string[] {
  const [usual, ...others] = ownFiles(tls, '').map((one) => ({ ...one, certificate: readSound(one) }))
  const byHost = new Map(others.flatMap(({ hosts: own, certificate }) => own.map((host) => [host, certificate])))
  return hosts.map(hostName).filter((host) => {
    const names = (foundFor(host, byHost) ?? usual?.certificate)?.names.map(hostName) ?? []
    return !names.includes(host) && !names.includes(wildcardOf(host))
  })
}

/** By which the gateway proves itself to the systems, where they ask for it. */
export function clientCertificates({ systems }: Pick<Config, 'systems'>) {
  return systemNames.flatMap((system) => {
    const { cert, key } = systems[system].tls
    if (cert === undefined || key === undefined) return []
    const path = `systems.${system}.tls`
    return { system, path, certificate: readSound({ path, files: { cert, key }, hosts: [] }) }
  })
}

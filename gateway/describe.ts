/**
 * What a config gives, for people: the answer of --check.
 */
import { type RealmName, systemNames } from '../core/words.ts'
import { shownStore } from '../plugins/store/place.ts'
import { type Certificate, timeWarning } from './certificate.ts'
import type { Config } from './config-schema.ts'
import { bareHosts, clientCertificates, type OwnFiles, ownFiles, readSound } from './own-certificates.ts'
import { strictTransport } from './strict-transport.ts'
import { countOf } from './workers/count.ts'

function lineOf(certificate: Certificate): string {
  const { names, until } = certificate
  const warning = timeWarning(certificate)
  const ends = `until ${until.toISOString().slice(0, 10)}`
  return `names ${names.join(', ') || 'no host'}; ${warning === null ? ends : `${ends}: it ${warning}`}`
}

const hostsOf = ({ hosts }: OwnFiles) => (hosts.length === 0 ? 'any other host' : hosts.join(', '))

/** The hosts by which clients come in at a listener. */
const hostsAt = (realm: RealmName | undefined, realms: Config['realms']) =>
  Object.entries(realms).flatMap(([name, { hosts }]) => (realm === undefined || realm === name ? hosts : []))

function listenerLines({ host, port, realm, tls }: Config['listen'][number], realms: Config['realms']): string[] {
  const line = `  ${tls ? 'https' : 'http'}://${host}:${port}${realm ? ` (${realm})` : ''}`
  if (tls === undefined) return [line]
  const certificates = ownFiles(tls, '').map((one) => `    ${hostsOf(one)}: ${lineOf(readSound(one))}`)
  const bare = bareHosts(tls, hostsAt(realm, realms))
  if (bare.length > 0) certificates.push(`    no certificate for: ${bare.join(', ')}`)
  return [line, ...certificates, `    HSTS: ${strictTransport(tls) ?? 'off'}`]
}

function systemLines(config: Config): string[] {
  const shown = new Map(clientCertificates(config).map(({ system, certificate }) => [system, lineOf(certificate)]))
  return systemNames.flatMap((system) => {
    const { release, url, tls } = config.systems[system]
    const line = `  ${system}: ${release} at ${url}${tls.insecure ? ' (any certificate is accepted)' : ''}`
    const own = shown.get(system)
    return own === undefined ? [line] : [line, `    our certificate there: ${own}`]
  })
}

export function describe(config: Config): string {
  const { listen, workers, realms, defaultRealm, plugins, teamPlugins } = config
  const on = plugins.filter(({ options }) => options !== null).map(({ name }) => name)
  const off = plugins.filter(({ options }) => options === null).map(({ name }) => name)
  return [
    'listen:',
    ...listen.flatMap((one) => listenerLines(one, realms)),
    `workers: ${workers === 'auto' ? `auto, which is ${countOf(workers)} here` : workers}`,
    `realms (default ${defaultRealm ?? 'none: an unknown host gets 421'}):`,
    ...Object.entries(realms).map(([realm, { hosts: names }]) => `  ${realm}: ${names.join(', ')}`),
    'systems:',
    ...systemLines(config),
    `store: ${shownStore(config.store)}`,
    `plugins on: ${[...on, ...teamPlugins.map(({ name }) => name)].join(', ')}`,
    `plugins off: ${off.join(', ') || 'none'}`
  ].join('\n')
}

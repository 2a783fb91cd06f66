/**
 * What no schema can see of TLS in a config: files, what they hold, and whether it fits together.
 */
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { hostName } from '../core/hosts.ts'
import { systemNames } from '../core/words.ts'
import { type CertificateFiles, certificatesIn, readCertificate } from './certificate.ts'
import type { Check } from './config-checks.ts'
import { ownFiles } from './own-certificates.ts'
import type { ListenerTls } from './tls-schema.ts'

/** Makes a file's name absolute; undefined where there is none. */
function absolute(holder: object, key: string | number, directory: string): string | undefined {
  const files = holder as Record<string | number, string | undefined>
  const name = files[key]
  if (name !== undefined) files[key] = resolve(directory, name)
  return files[key]
}

/** What a file must hold; `read` throws, in words, where it does not. */
function fileMistakes(path: string, file: string | undefined, read: (bytes: Buffer) => unknown): string[] {
  if (file === undefined) return []
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch {
    return [`${path}: ${file} cannot be read`]
  }
  try {
    read(bytes)
    return []
  } catch (error) {
    return [`${path}: ${file} ${(error as Error).message}`]
  }
}

export function publicKeyMistakes(path: string, holder: object, key: string | number, directory: string): string[] {
  return fileMistakes(path, absolute(holder, key, directory), (bytes) => {
    try {
      createPublicKey(bytes)
    } catch {
      throw new Error('holds no public key in PEM')
    }
  })
}

function pairMistakes(path: string, files: CertificateFiles, hosts: readonly string[]): string[] {
  const read = readCertificate(files, hosts)
  return 'pems' in read ? [] : read.map(([key, what]) => `${path}.${key}: ${what}`)
}

/** What browsers' lists of hosts ask of those who want to be on them (hstspreload.org). */
const preloadSeconds = 31_536_000

function hstsMistakes(path: string, { hsts = false }: ListenerTls): string[] {
  if (hsts === false || hsts.preload !== true) return []
  if (hsts.maxAge >= preloadSeconds && hsts.includeSubDomains === true) return []
  return [`${path}.preload: needs includeSubDomains: true, and a maxAge of at least ${preloadSeconds}`]
}

function repeatedHosts(path: string, { certificates = [] }: ListenerTls): string[] {
  const owners = new Map<string, string>()
  return certificates.flatMap(({ hosts }, at) =>
    hosts.flatMap((host) => {
      const owner = owners.get(hostName(host))
      owners.set(hostName(host), `${path}[${at}]`)
      return owner === undefined ? [] : [`${path}[${at}].hosts: ${host} belongs to ${owner} already`]
    })
  )
}

export const checkListenerTls: Check = ({ listen }, directory) =>
  listen.flatMap(({ tls }, at) => {
    if (tls === undefined) return []
    const path = `listen[${at}].tls`
    for (const holder of [tls, ...(tls.certificates ?? [])]) {
      absolute(holder, 'cert', directory)
      absolute(holder, 'key', directory)
    }
    return [
      ...ownFiles(tls, path).flatMap((one) => pairMistakes(one.path, one.files, one.hosts)),
      ...repeatedHosts(`${path}.certificates`, tls),
      ...hstsMistakes(`${path}.hsts`, tls)
    ]
  })

export const checkSystemTls: Check = ({ systems }, directory) =>
  systemNames.flatMap((system) => {
    const { tls } = systems[system]
    const path = `systems.${system}.tls`
    const lines = fileMistakes(`${path}.ca`, absolute(tls, 'ca', directory), certificatesIn)
    const cert = absolute(tls, 'cert', directory)
    const key = absolute(tls, 'key', directory)
    if (cert !== undefined && key !== undefined) lines.push(...pairMistakes(path, { cert, key }, []))
    else if (cert !== undefined) lines.push(`${path}.key: is missing; cert needs the key that belongs to it`)
    else if (key !== undefined) lines.push(`${path}.cert: is missing; key needs the certificate that it belongs to`)
    return lines
  })

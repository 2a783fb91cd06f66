/**
 * docker-compose.yml as tests read it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export const root = join(import.meta.dirname, '..')
export const read = (path: string) => readFileSync(join(root, path), 'utf8')

export interface Service {
  readonly image: string
  readonly build?: string
  readonly user?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks?: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string } | null>>
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly stop_grace_period?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: {
    readonly front: { readonly ipam: { readonly config: readonly { subnet: string; ip_range: string }[] } }
    readonly back: { readonly internal: boolean }
  }
}

export const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose

export function service(name: string): Service {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`docker-compose.yml has no ${name}`)
  return found
}

/** The services that run our own image. */
export const gatewayNames = Object.keys(compose.services).filter((name) => name.startsWith('gateway-'))

/** What the config of docker-compose.yml's gateways has to be given. */
export const givenEnv = { WEBDISPATCHER_SECRET: 's'.repeat(32), OPS_TOKEN: 't'.repeat(16) }

/** The mounts of a service: our file and where it finds it. */
export const mountsOf = ({ volumes = [] }: Service) =>
  volumes.filter((one) => one.startsWith('./')).map((one) => one.slice(2).split(':') as [string, string, string])

/**
 * The demonstration: the gateway in front of two simulated systems, all in this process.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RealmName, realmNames, type System } from '../core/words.ts'
import { type Control, startControl } from '../simulator/control.ts'
import { type Simulator, startSimulator } from '../simulator/index.ts'
import { parseConfig } from './config.ts'
import { createLog } from './log.ts'
import { type Gateway, startGateway } from './running.ts'

type Environment = Readonly<Record<string, string | undefined>>

const firstPort = 8080

/** The realms of the demonstration, each with a port of its own behind the first, where the host tells. */
const shownRealms = ['customer', 'account', 'admin'] as const satisfies readonly RealmName[]

/** `WEBDISPATCHER_DEMO_PORT`: the first of six ports; 0 takes free ones. */
function portsFrom({ WEBDISPATCHER_DEMO_PORT: given }: Environment) {
  const first = given === undefined ? firstPort : Number(given)
  return first === 0
    ? { hosts: 0, realms: [0, 0], ops: 0, source: 0, target: 0 }
    : { hosts: first, realms: [first + 1, first + 2], ops: first + 10, source: first + 11, target: first + 12 }
}

function systemConfig({ release, urls }: Simulator, keyFile: string) {
  return {
    release,
    url: urls.admin,
    realms: Object.fromEntries(realmNames.map((realm) => [realm, urls[realm]])),
    keys: [keyFile]
  }
}

async function startBefore(source: Simulator, target: Simulator, env: Environment, directory: string) {
  const ports = portsFrom(env)
  for (const { role, publicKey } of [source, target]) writeFileSync(join(directory, `${role}.pem`), publicKey)
  const [, ...ownPort] = shownRealms
  const config = parseConfig(
    {
      listen: [
        { host: '127.0.0.1', port: ports.hosts },
        ...ownPort.map((realm, at) => ({ host: '127.0.0.1', port: ports.realms[at], realm }))
      ],
      ops: { port: ports.ops },
      secret: randomBytes(32).toString('hex'),
      debugHeaders: true,
      logLevel: 'warn',
      defaultRealm: 'customer',
      realms: Object.fromEntries(shownRealms.map((realm) => [realm, { hosts: [`www.${realm}.localhost`] }])),
      systems: { source: systemConfig(source, 'source.pem'), target: systemConfig(target, 'target.pem') }
    },
    { directory, env }
  )
  const log = createLog(config, { fd: 2 })
  const gateway = await startGateway(config, log)
  return { gateway, log }
}

/** Where the systems export and import customers, as a real one's own tools do. */
type Controls = Readonly<Record<System, Control>>

/** Of two starts that both must succeed: what did is closed where the other did not. */
async function startControls(source: Simulator, target: Simulator, env: Environment): Promise<Controls> {
  const ports = portsFrom(env)
  const first = await startControl(source, '127.0.0.1', ports.source)
  try {
    return { source: first, target: await startControl(target, '127.0.0.1', ports.target) }
  } catch (error) {
    await first.close()
    throw error
  }
}

export interface Demonstration {
  readonly banner: string
  readonly gateway: Gateway
  readonly source: Simulator
  readonly target: Simulator
  readonly controls: Controls
  stop(): Promise<void>
}

export async function startDemonstration(env: Environment): Promise<Demonstration> {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-'))
  const [source, target] = await Promise.all([
    startSimulator({ release: 'MR100', role: 'source' }),
    startSimulator({ release: 'MR115', role: 'target' })
  ])
  let controls: Controls | null = null
  const closeSystems = () =>
    Promise.all([source, target, ...Object.values(controls ?? {})].map((one: Simulator | Control) => one.close()))
  try {
    controls = await startControls(source, target, env)
    const { gateway, log } = await startBefore(source, target, env, directory)
    return {
      banner: bannerOf(gateway, { source, target, controls }),
      gateway,
      source,
      target,
      controls,
      async stop() {
        await gateway.stop()
        await closeSystems()
        log.flush()
      }
    }
  } catch (error) {
    await closeSystems()
    throw error
  } finally {
    // The keys are read by now.
    rmSync(directory, { recursive: true })
  }
}

const login = (url: string, user: { login: string; password: string }) =>
  `curl -si -X POST ${url}/rest/Session/login -H 'Content-Type: application/json' -d '${JSON.stringify({ params: { login: user.login, password: user.password } })}'`

function bannerOf(
  { addresses, opsUrl }: Gateway,
  { source, target, controls }: Pick<Demonstration, 'source' | 'target' | 'controls'>
): string {
  const [customerUrl = '', accountUrl = '', adminUrl = ''] = addresses.map(({ url }) => url)
  const unmoved = source.users.firstActiveCustomer()
  const moved = target.users.firstActiveCustomer()
  const account = source.users.firstActiveAccount()
  return `
WebDispatcher, the demonstration: no --config was given, so the gateway stands before two simulated systems.

  source  ${source.release}   ${source.urls.customer} (customers), in-process
  target  ${target.release}   ${target.urls.customer} (customers), in-process

  customers  ${customerUrl}      self-care pages too, in a browser
  accounts   ${accountUrl}
  admins     ${adminUrl}
  ops        ${opsUrl}
  moving     ${controls.source.url}/export, ${controls.target.url}/import: docs/migration-night.md

Three logins, each answered by the system where it lives (see X-Dispatched-To):

  # a customer who was not moved yet: the source
  ${login(customerUrl, unmoved)}

  # a customer who was moved: the target
  ${login(customerUrl, moved)}

  # an account
  ${login(accountUrl, account)}

One customer, from login to data (the session follows the cookies alone):

  ${login(customerUrl, unmoved).replace('-si', '-s -c /tmp/webdispatcher.jar -o /dev/null')}
  curl -s -b /tmp/webdispatcher.jar -X POST ${customerUrl}/rest/Customer/get_customer_info -H 'Content-Type: application/json' -d '{"params":{}}'

An administrator, logged in on both systems at once: one list out of both, and a call that goes where its customer is:

  ${login(adminUrl, source.users.admin()).replace('-si', '-s -c /tmp/webdispatcher-admin.jar -o /dev/null')}
  curl -s -b /tmp/webdispatcher-admin.jar -X POST ${adminUrl}/rest/Customer/get_customer_list -H 'Content-Type: application/json' -d '{"params":{"limit":3,"get_total":1}}'
  curl -si -b /tmp/webdispatcher-admin.jar -X POST ${adminUrl}/rest/Customer/get_customer_info -H 'Content-Type: application/json' -d '{"params":{"i_customer":${unmoved.i_customer}}}'

Why a request goes where it goes, without sending it:

  curl -s -X POST ${opsUrl}/explain -H 'Content-Type: application/json' -d '{"url":"${customerUrl}/rest/Session/login","headers":{"content-type":"application/json"},"body":"{\\"params\\":{\\"login\\":\\"${moved.login}\\"}}"}'

Ctrl-C stops it.

`
}

/**
 * A faithful stand-in for one system, for the demonstration, the tests and the benchmarks: real sockets, real
 * sessions, a seeded world of customers, and switches that make it fail in chosen ways.
 */
import { Data } from './data.ts'
import { Faults } from './faults.ts'
import { Journal } from './journal.ts'
import { createListeners, type Listeners, type ListenerTls } from './listeners.ts'
import { createLockout, type LockoutOptions } from './lockout.ts'
import { type CustomerBundle, exportCustomer, importCustomer, sendEvents } from './move.ts'
import type { RealmName } from './realms.ts'
import { createRequestHandler } from './requests.ts'
import { Sessions } from './sessions.ts'
import { Sockets } from './sockets.ts'
import type { OperatingMode, System } from './system.ts'
import { createSigningKey, createTokens, type SigningKey, type Tokens } from './tokens.ts'
import { Users } from './users.ts'
import { createUpgrades } from './web-sockets.ts'

export type { FaultHandle, FaultMatch, FaultRule, SimulatedFault } from './faults.ts'
export { Faults } from './faults.ts'
export { Journal, type JournalEntry } from './journal.ts'
export type { CustomerBundle } from './move.ts'
export type { AccountUser, CustomerUser, StaffUser } from './people.ts'
export { type RealmName, realmNames } from './realms.ts'
export type { SocketConnection, Sockets } from './sockets.ts'
export type { OperatingMode } from './system.ts'
export { createSigningKey } from './tokens.ts'
export type { Users } from './users.ts'

export interface SimulatorOptions {
  /** Such as `MR100`; shown by every page and by Generic/get_version. */
  release: string
  /** Which half of the seeded world is active here: a source has everybody, the moved ones exported; a target has those. */
  role: 'source' | 'target'
  /** 1200 when absent; up to a million. */
  customers?: number
  /** Two and a half per customer when absent. */
  accounts?: number
  /** The same seed gives the same data on both systems; 1 when absent. */
  seed?: number
  /** Customers who live on the target; every third when absent. */
  moved?: (iCustomer: number) => boolean
  /** 127.0.0.1 when absent. */
  host?: string
  /** 0 or absent: an ephemeral port per realm; else the admin's, the other realms follow in order. */
  port?: number
  /** https on every listener. */
  tls?: ListenerTls
  /** Of access tokens; one of its own when absent. */
  signingKey?: SigningKey
  /** Of access tokens; 900 when absent. */
  tokenLifetimeSeconds?: number
  /** Five failures of a login, or fifty of an address, within ten minutes when absent. */
  lockout?: LockoutOptions | false
  /** A file for SQLite; in memory when absent. A file that is already seeded is taken as it is. */
  database?: string
  /** `Domain` of its cookies; none when absent. */
  cookieDomain?: string
  /** Sessions beyond this number end, the oldest first; 200,000 when absent. */
  sessionLimit?: number
  /** Between the pings that each of its WebSockets gets, ms; 30,000 when absent. */
  pingIntervalMs?: number
  log?: (line: string) => void
}

export interface Simulator {
  readonly release: string
  readonly role: 'source' | 'target'
  /** Origin per realm. */
  readonly urls: Readonly<Record<RealmName, string>>
  /** SPKI PEM of the key that signs its access tokens. */
  readonly publicKey: string
  readonly journal: Journal
  readonly faults: Faults
  readonly users: Users
  readonly sessions: Sessions
  readonly sockets: Sockets
  /** Writes are refused in every mode but `normal`. */
  mode: OperatingMode
  /** TLS listeners answer new connections in plain text while this is true. */
  plainText: boolean
  /** Forgets failed logins. */
  clearLockout(): void
  /** Half a move each; `moveCustomer` does both. */
  exportCustomer(iCustomer: number): CustomerBundle
  importCustomer(bundle: CustomerBundle): void
  /** Stops listening and destroys every connection; sessions and data stay. */
  stop(): Promise<void>
  /** Listens again, on the same ports. */
  start(): Promise<void>
  /** For good. */
  close(): Promise<void>
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  // Making an RSA key takes as long as seeding a small world; it runs beside it, on another thread.
  const keyReady = options.signingKey ?? createSigningKey()
  const data = createData(options)
  const tokens = createTokens(await keyReady)
  const system = createSystem(options, data, tokens)
  const log = options.log ?? (() => {})
  const listeners = await createListeners(
    { host: options.host ?? '127.0.0.1', port: options.port ?? 0, tls: options.tls ?? null },
    createRequestHandler(system, log),
    createUpgrades(system, log)
  )
  return simulatorOf(system, tokens.publicKey, listeners)
}

/**
 * Moves a customer, and tells `options.events` of it as the systems tell their event handlers. When the import fails,
 * the customer stays where it was.
 */
export async function moveCustomer(
  iCustomer: number,
  from: Simulator,
  to: Simulator,
  options: { events?: URL } = {}
): Promise<void> {
  const bundle = from.exportCustomer(iCustomer)
  try {
    if (options.events !== undefined) await sendEvents(options.events, 'Exported', bundle)
    to.importCustomer(bundle)
  } catch (error) {
    from.importCustomer(bundle)
    throw error
  }
  if (options.events !== undefined) await sendEvents(options.events, 'Imported', bundle)
}

function createData(options: SimulatorOptions): Data {
  const customers = options.customers ?? 1200
  return new Data({
    role: options.role,
    customers,
    accounts: options.accounts ?? Math.floor(customers * 2.5),
    seed: options.seed ?? 1,
    moved: options.moved ?? ((iCustomer) => iCustomer % 3 === 0),
    database: options.database ?? ':memory:'
  })
}

function createSystem(options: SimulatorOptions, data: Data, tokens: Tokens): System {
  let number = 0
  return {
    release: options.release,
    role: options.role,
    data,
    users: new Users(data),
    sessions: new Sessions({
      tokens,
      lifetimeSeconds: options.tokenLifetimeSeconds ?? 900,
      rotates: options.role === 'target',
      limit: options.sessionLimit ?? 200_000
    }),
    sockets: new Sockets(options.pingIntervalMs ?? 30_000),
    lockout: createLockout(options.lockout ?? { failures: 5, windowMs: 600_000 }),
    journal: new Journal(),
    faults: new Faults(),
    cookieDomain: options.cookieDomain ?? null,
    nextNumber: () => ++number,
    mode: 'normal'
  }
}

function simulatorOf(system: System, publicKey: string, listeners: Listeners): Simulator {
  const { release, role, journal, faults, users, sessions, sockets, data, lockout } = system
  return {
    release,
    role,
    urls: listeners.urls,
    publicKey,
    journal,
    faults,
    users,
    sessions,
    sockets,
    get mode() {
      return system.mode
    },
    set mode(mode) {
      system.mode = mode
    },
    get plainText() {
      return listeners.plainText
    },
    set plainText(plainText) {
      listeners.plainText = plainText
    },
    clearLockout: lockout.clear,
    exportCustomer: (iCustomer) => exportCustomer(system, iCustomer),
    importCustomer: (bundle) => importCustomer(data, bundle),
    stop: listeners.stop,
    start: listeners.start,
    async close() {
      await listeners.stop()
      data.close()
    }
  }
}

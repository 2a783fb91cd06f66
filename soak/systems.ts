/**
 * The two simulated systems, in a process of their own. A question is a command as JSON, its answer `{ value }` or
 * `{ error }`, one at a time.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'
import { parseArgs } from 'node:util'
import { Agent, setGlobalDispatcher } from 'undici'
import type { Ready } from '../bench/peers/reporting.ts'
import { otherSystem, type System, systemNames } from '../core/words.ts'
import {
  type AccountUser,
  type CustomerUser,
  type FaultHandle,
  type FaultRule,
  type JournalEntry,
  moveCustomer,
  realmNames,
  startSimulator
} from '../simulator/index.ts'
import { type Arrival, arrivalOf, idOf, isOver, type Marked, markedOf } from './arrivals.ts'

/** A rule that goes through JSON. */
export interface SwitchedFault {
  readonly system: System
  readonly match: Omit<FaultRule['match'], 'path'>
  readonly fault: FaultRule['fault']
  readonly times: number
}

export interface Person {
  readonly system: System
  readonly customer: CustomerUser
  /** Of the customer; null where none may log in. */
  readonly account: AccountUser | null
}

const { values: flags } = parseArgs({
  options: { customers: { type: 'string' }, seed: { type: 'string' }, idleMs: { type: 'string' } }
})
const shared = {
  customers: Number(flags.customers),
  seed: Number(flags.seed),
  // Customers move far more often here than anywhere, and each word of a move makes the gateway forget its hints: their
  // next logins ask the target first, which would lock them out there.
  lockout: false
} as const
const [source, target] = await Promise.all([
  startSimulator({ ...shared, release: 'MR100', role: 'source' }),
  startSimulator({ ...shared, release: 'MR115', role: 'target' })
])
const systems = { source, target }

// Events of moves leave by fetch; what it keeps open would look like sockets that the gateway leaks.
setGlobalDispatcher(new Agent({ keepAliveMaxTimeout: 500 }))

// The simulator's listeners keep idle connections for longer than a run can wait until the gateway has none.
subscribe('http.server.request.start', (message) => {
  const { server } = message as { server: Server }
  server.keepAliveTimeout = Number(flags.idleMs)
})

/** Entries that were not over when the journal was last emptied. */
const waiting: Record<System, readonly JournalEntry[]> = { source: [], target: [] }
/** Rules, oldest first: one that nothing matches must not stay for ever. */
let rules: { readonly kind: string; readonly handle: FaultHandle }[] = []
const hits = new Map<string, number>()
const keptRules = 12
let ticks = 0

/** Entries are shown once they are over. */
function drainOne<Shown>(system: System, shownOf: (system: System, entry: JournalEntry) => Shown | null): Shown[] {
  const { journal } = systems[system]
  const entries = [...waiting[system], ...journal.entries]
  journal.clear()
  waiting[system] = entries.filter((entry) => !isOver(entry))
  return entries.filter(isOver).flatMap((entry) => shownOf(system, entry) ?? [])
}

function removeRules(count: number) {
  for (const { kind, handle } of rules.splice(0, count)) {
    hits.set(kind, (hits.get(kind) ?? 0) + handle.hits)
    handle.remove()
  }
}

/** To each session that has a WebSocket, by its own name there. */
function tick(system: System, number: number) {
  const { sockets } = systems[system]
  for (const session of new Set(sockets.connections.flatMap(({ sessionId }) => sessionId ?? []))) {
    sockets.emit(JSON.stringify({ event: 'soak', system, session, tick: number }), { session })
  }
}

function accountOf(system: System, iCustomer: number): AccountUser | null {
  try {
    return systems[system].users.firstActiveAccount(iCustomer)
  } catch {
    return null
  }
}

const commands = {
  about: () => ({
    publicKeys: { source: source.publicKey, target: target.publicKey },
    releases: { source: source.release, target: target.release },
    staff: { admin: target.users.admin(), reseller: target.users.reseller() }
  }),
  people: ({ count }: { count: number }): Person[] =>
    systemNames.flatMap((system) =>
      systems[system].users
        .activeCustomers(count)
        .map((customer) => ({ system, customer, account: accountOf(system, customer.i_customer) }))
    ),
  drain: (): Arrival[] => systemNames.flatMap((system) => drainOne(system, arrivalOf)),
  /** Instead of `drain`, for a run whose writes are marked. */
  drainMarked: (): Marked[] => systemNames.flatMap((system) => drainOne(system, markedOf)),
  /** One more event on every WebSocket; its number. */
  tick() {
    ticks++
    for (const system of systemNames) tick(system, ticks)
    return ticks
  },
  /** Names and values in turn of the last request with this number, also while it is under way; null before it arrives. */
  headersOf: ({ id }: { id: number }): readonly string[] | null =>
    systemNames.flatMap((system) => systems[system].journal.entries).findLast((entry) => idOf(entry) === id)
      ?.rawHeaders ?? null,
  switchFault({ kind, system, match, fault, times }: SwitchedFault & { kind: string }) {
    rules.push({ kind, handle: systems[system].faults.add({ match, fault, times }) })
    removeRules(rules.length - keptRules)
  },
  clearFaults() {
    removeRules(rules.length)
    rules = []
    return Object.fromEntries(hits)
  },
  stop: ({ system }: { system: System }) => systems[system].stop(),
  start: ({ system }: { system: System }) => systems[system].start(),
  move: ({ customer, to, events }: { customer: number; to: System; events: string | null }) =>
    moveCustomer(customer, systems[otherSystem(to)], systems[to], events === null ? {} : { events: new URL(events) })
}

export type Commands = typeof commands

async function answer(question: string) {
  const { name, ...args } = JSON.parse(question)
  try {
    return { value: (await commands[name as keyof Commands](args)) ?? null }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

process.on('message', (question) => {
  answer(String(question)).then((answered) => process.send?.(answered))
})
process.once('disconnect', () => process.exit(0))
// The terminal's Ctrl-C is for the soak, which ends its children.
process.on('SIGINT', () => {})

const ports = systemNames.flatMap((system) =>
  realmNames.map((realm) => [`${system}.${realm}`, Number(new URL(systems[system].urls[realm]).port)] as const)
)
process.send?.({ ports: Object.fromEntries(ports) } satisfies Ready)

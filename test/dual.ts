/**
 * Sessions that live on both systems, as tests need them: who logs in, what each system calls the session, and what it saw.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { isSingleHome, type RealmName, realmNames, type System } from '../core/words.ts'
import type { Simulator, SimulatorOptions } from '../simulator/index.ts'
import { hosts, startTestGateway, systemConfig, testConfig, type World } from './build.ts'
import { call, login, type Reply, type Session, type User } from './client.ts'
import { startTestSystem } from './test-system.ts'

export const dualRealms = realmNames.filter((realm) => !isSingleHome(realm))

/** Of sixty customers every third has moved. These two are of the first reseller too, and so are their accounts. */
export const unmoved = 49
export const moved = 9

const people: Readonly<Partial<Record<RealmName, (system: Simulator) => User>>> = {
  admin: ({ users }) => users.admin(),
  reseller: ({ users }) => users.reseller(),
  cc_staff: ({ users }) => users.ccStaff(),
  distributor: ({ users }) => users.distributor(),
  representative: ({ users }) => users.representative()
}

/** Who logs in to a dual realm; both systems know them. */
export function staffOf({ target }: Pick<World, 'target'>, realm: RealmName): User {
  const userOf = people[realm]
  if (userOf === undefined) throw new Error(`${realm} is no dual realm`)
  return userOf(target)
}

type Systems = Readonly<Record<System, Simulator>>

interface Difference {
  readonly config?: Record<string, unknown>
  readonly simulator?: Partial<SimulatorOptions>
}

/** As `startWorld`, with systems that differ. */
export async function startUnlikeWorld(
  t: Pick<TestContext, 'after'>,
  { overrides = {}, ...unlike }: { overrides?: Record<string, unknown> } & Partial<Record<System, Difference>>
): Promise<World> {
  const start = (release: string, role: System) =>
    startTestSystem({ customers: 60, release, role, ...unlike[role]?.simulator })
  const [source, target] = await Promise.all([start('MR100', 'source'), start('MR115', 'target')])
  t.after(() => Promise.all([source.close(), target.close()]))
  const systems = {
    source: systemConfig('MR100', source.urls, unlike.source?.config),
    target: systemConfig('MR115', target.urls, unlike.target?.config)
  }
  const config = testConfig({ source: source.urls, target: target.urls }, { systems, ...overrides })
  return { ...(await startTestGateway(t, config)), source, target }
}

/** Another gateway with an empty store before the same systems: what a restart leaves. */
export async function restarted(t: Pick<TestContext, 'after'>, { source, target }: Systems, overrides = {}) {
  const gateway = await startTestGateway(t, testConfig({ source: source.urls, target: target.urls }, overrides))
  return { ...gateway, source, target }
}

export type SystemSession = Parameters<Parameters<Simulator['sessions']['endWhere']>[0]>[0]

/** Every session that lives on a system. */
export function sessionsOn(system: Simulator): SystemSession[] {
  const found: SystemSession[] = []
  system.sessions.endWhere((session) => {
    found.push(session)
    return false
  })
  return found
}

export const endAllOn = (system: Simulator) => system.sessions.endWhere(() => true)

/** What a system calls a session. */
export type Names = Readonly<Record<'access_token' | 'session_id' | 'refresh_token', string>>

/** What a system calls the only session that lives on it. */
export function namesOn(system: Simulator): Names {
  const [session, ...others] = sessionsOn(system)
  assert.ok(session !== undefined && others.length === 0, 'one session lives on the system')
  return {
    access_token: [...session.tokens].at(-1) ?? '',
    session_id: session.id,
    refresh_token: session.refreshToken
  }
}

/** What the client calls its session. */
export const namesOf = ({ accessToken, sessionId, refreshToken }: Session): Names => ({
  access_token: accessToken,
  session_id: sessionId,
  refresh_token: refreshToken
})

/** All credentials of all sessions that live on a system. */
export const everyNameOn = (system: Simulator): string[] =>
  sessionsOn(system).flatMap(({ id, refreshToken, tokens }) => [id, refreshToken, ...tokens])

/** All that a system has been sent: request lines, headers and bodies. */
export const seenBy = ({ journal }: Simulator): string =>
  journal.entries
    .map(({ url, rawHeaders, body }) => [url, ...rawHeaders, body.toString('latin1')].join('\n'))
    .join('\n\n')

/** All that a client was sent. */
export const wholeOf = ({ rawHeaders, text }: Reply): string => [...rawHeaders, text].join('\n')

export function clearJournals({ source, target }: Systems) {
  source.journal.clear()
  target.journal.clear()
}

export const customerInfo = (url: string, realm: RealmName, iCustomer: number, headers: Record<string, string>) =>
  call(url, realm, 'Customer/get_customer_info', { i_customer: iCustomer }, { headers })

/** A session that lives on both, and what each system calls it. */
export async function openPair(world: World, realm: RealmName = 'admin') {
  const session = await login(world.url, realm, staffOf(world, realm))
  assert.equal(session.reply.status, 200, session.reply.text)
  assert.equal(session.reply.headers['x-dispatched-to'], 'source,target')
  return { session, realm, host: hosts[realm], onSource: namesOn(world.source), onTarget: namesOn(world.target) }
}

/** A clock of which the tokens, the records and the store know: given seconds pass at once. */
export function startClock(
  t: TestContext,
  apis: ('Date' | 'setTimeout')[] = ['Date', 'setTimeout']
): (seconds: number) => void {
  t.mock.timers.enable({ apis, now: Date.now() })
  const realNow = performance.now.bind(performance)
  let passed = 0
  t.mock.method(performance, 'now', () => realNow() + passed)
  return (seconds) => {
    passed += seconds * 1000
    t.mock.timers.tick(seconds * 1000)
  }
}

/** Asserts where an answer came from. */
export function assertFrom(reply: Reply, to: string, what = '') {
  assert.equal(reply.headers['x-dispatched-to'], to, `${what} ${reply.status} ${reply.text}`)
}

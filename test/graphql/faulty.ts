/**
 * A gateway that gives systems up soon, for tests of the GraphQL view over systems that fail.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { System } from '../../core/words.ts'
import type { FaultMatch, SimulatedFault } from '../../simulator/index.ts'
import { startTestGateway, systemConfig, testConfig, type World } from '../build.ts'
import { login, type Reply, type Session } from '../client.ts'
import { staffOf } from '../dual.ts'
import { type GraphqlError, post, type Result } from './client.ts'

/** Until the gateway gives a silent system up, ms. */
export const patienceMs = 250
/** What a request may take beside that, on a machine that is busy. */
export const marginMs = 1500

const timeouts = { headers: patienceMs, body: patienceMs }

/** A request of an admin. */
export interface Asked extends Result<Record<string, unknown> | null> {
  readonly reply: Reply
  readonly ms: number
}

export interface FaultyWorld extends World {
  readonly session: Session
  readonly run: (query: string, variables?: object, headers?: Record<string, string>) => Promise<Asked>
}

/** Without breakers, so that each test begins with systems of which nothing bad is known. */
export async function startFaulty(
  t: Pick<TestContext, 'after'>,
  { source, target }: Pick<World, 'source' | 'target'>
): Promise<FaultyWorld> {
  const systems = {
    source: systemConfig('MR100', source.urls, { timeouts }),
    target: systemConfig('MR115', target.urls, { timeouts })
  }
  const config = testConfig(
    { source: source.urls, target: target.urls },
    { systems, plugins: { 'circuit-breaker': false } }
  )
  const world = { ...(await startTestGateway(t, config)), source, target }
  const session = await login(world.url, 'admin', staffOf(world, 'admin'))
  assert.equal(session.reply.headers['x-dispatched-to'], 'source,target')
  return {
    ...world,
    session,
    run: (query, variables = {}, headers = {}) => timed(world.url, { query, variables }, session, headers)
  }
}

async function timed(url: string, sent: object, { accessToken }: Session, headers: Record<string, string>) {
  const since = performance.now()
  const reply = await post(url, { ...sent }, { token: accessToken, headers })
  const ms = performance.now() - since
  assertTellsNothing(reply.text)
  return { ...(JSON.parse(reply.text) as Result<Record<string, unknown> | null>), reply, ms }
}

/** The system does this until the test is over. */
export function breakFor(t: TestContext, { faults }: World[System], fault: SimulatedFault, match: FaultMatch = {}) {
  const broken = faults.add({ match, fault })
  t.after(() => broken.remove())
  return broken
}

export async function stopFor(t: TestContext, system: World[System]) {
  await system.stop()
  t.after(() => system.start())
}

/** What is nobody's business outside: addresses, ports, files, stacks, and the names of what the gateway is made of. */
const inner = [
  /\d+\.\d+\.\d+\.\d+/,
  /localhost|::1/,
  /:\d{4,5}\b(?!-)/,
  /\bE[A-Z]{3,}(?:REFUSED|RESET|OUT|FOUND)\b|\bECONN|UND_ERR|FST_ERR|MER_ERR/,
  /\bat (?:async )?[\w.<>]+ \(|\.[cm]?[jt]s\b|node:|file:\/\/|node_modules/,
  /undici|mercurius|fastify|socket|TypeError|undefined/i
]

export function assertTellsNothing(text: string) {
  for (const pattern of inner) assert.doesNotMatch(text, pattern)
}

/** Where each error is, of which system, and its faultcode: in order, so that what is told twice is there twice. */
export const errorsOf = ({ errors = [] }: Pick<Result<unknown>, 'errors'>): string[] =>
  errors.map((error) => `${placeOf(error)} ${error.extensions?.system} ${error.extensions?.faultcode}`).toSorted()

const placeOf = ({ path }: GraphqlError) => JSON.stringify(path ?? null)

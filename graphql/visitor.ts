/**
 * Who asks: the session of what a request shows.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerOf, type Shown, shownCredentials } from '../core/credentials.ts'
import { Fault } from '../core/faults.ts'
import { refuseTwoAuthorizations } from '../core/headers.ts'
import type { Asker } from '../core/own-call.ts'
import { type Credential, type Home, noCall, type Route, type System, systemNames } from '../core/words.ts'
import { SystemFailure, Unauthenticated } from './errors.ts'

/** What a session was resolved to. */
export interface Visitor {
  readonly asker: Asker
  readonly home: Home
  readonly shown: readonly Credential[]
}

/** Which system has issued what the client holds: when that refuses it, the session has ended for the client. */
export const issuerOf = ({ home }: Visitor): System => (home.system === 'source' ? 'source' : 'target')

/** A call as decisions and answers are looked at; '' and '' for one that is none. */
export const routeOf = (service: string, method: string): Route => ({
  family: 'billing',
  wire: 'rest',
  service,
  method,
  inPath: noCall
})

/** Says that nobody knows the session, or that nobody could tell. */
async function refuseVisitor(app: FastifyInstance, first: Credential, asker: Asker): Promise<never> {
  const lives = await app.homes.livesOn({ credentialOn: () => first }, asker)
  const silent = systemNames.find((system) => lives[system] === null)
  if (silent !== undefined) throw new SystemFailure(silent, new Fault('system_unavailable', silent))
  throw new Unauthenticated()
}

function asVisitor(error: unknown): never {
  throw error instanceof Fault && error.fault === 'session_ended' ? new Unauthenticated() : error
}

/** Whose session the credentials are of; throws Unauthenticated for none that lives. */
export async function visitorOf(
  app: FastifyInstance,
  { credentials, together }: Shown,
  asker: Asker
): Promise<Visitor> {
  const [first] = credentials
  if (first === undefined) throw new Unauthenticated()
  const home = await app.homes.resolve({ credentials, together }, false, asker, asker.realm).catch(asVisitor)
  if (home.by === 'unknown_credential') await refuseVisitor(app, first, asker)
  return { asker, home, shown: credentials }
}

/** What a request shows: its token, else the systems' own cookies. */
export function shownBy(app: FastifyInstance, { headers, raw }: FastifyRequest): Shown {
  if (headers.authorization !== undefined) refuseTwoAuthorizations(raw.rawHeaders)
  const bearer = bearerOf(headers.authorization)
  const inCookies = bearer === null ? app.remoteSession.read(headers).credentials : []
  return shownCredentials(headers.authorization, routeOf('', ''), null, inCookies)
}

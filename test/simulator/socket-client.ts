/** The WebSocket client of test/socket-client.ts at a simulated system: by realm, with a token. */
import type { TestContext } from 'node:test'
import type { RealmName, Simulator } from '../../simulator/index.ts'
import * as client from '../socket-client.ts'

export { callControl, portal } from '../socket-client.ts'

export interface SocketOptions extends client.SocketOptions {
  realm?: RealmName
  /** For the Authorization header. */
  token?: string
}

function placed(system: Simulator, { realm = 'admin', token, headers, ...rest }: SocketOptions = {}) {
  const bearer: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return [system.urls[realm], { ...rest, headers: { ...bearer, ...headers } }] as const
}

export const begin = (t: TestContext, system: Simulator, options?: SocketOptions) =>
  client.begin(t, ...placed(system, options))
export const openSocket = (t: TestContext, system: Simulator, options?: SocketOptions) =>
  client.openSocket(t, ...placed(system, options))
export const refusalOf = (t: TestContext, system: Simulator, options?: SocketOptions) =>
  client.refusalOf(t, ...placed(system, options))

/**
 * A client of the GraphQL view as tests need it.
 */
import type { RealmName } from '../../core/words.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { ask, login, type Reply, type Session } from '../client.ts'
import { staffOf } from '../dual.ts'

export interface GraphqlError {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions?: {
    readonly code?: string
    readonly system?: string
    readonly faultcode?: string
    readonly written?: boolean
  }
}

export interface Result<Data> {
  readonly data: Data
  readonly errors?: readonly GraphqlError[]
}

export interface Sent {
  readonly query?: string
  readonly variables?: object
  readonly operationName?: string
  readonly [more: string]: unknown
}

/** One request, with an operation or a batch of them. */
export function post(
  url: string,
  sent: Sent | readonly Sent[] | string,
  { token, realm = 'admin', path = '/graphql', headers = {} }: Partial<PostOptions> = {}
): Promise<Reply> {
  const body = typeof sent === 'string' ? sent : JSON.stringify(sent)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return ask(url, {
    path,
    headers: { host: hosts[realm], 'content-type': 'application/json', ...authorization, ...headers },
    body
  })
}

interface PostOptions {
  readonly token: string
  readonly realm: RealmName
  readonly path: string
  readonly headers: Record<string, string>
}

export interface GraphqlWorld extends World {
  readonly session: Session
  /** An operation of that session. */
  readonly run: <Data = never>(
    query: string,
    variables?: object,
    headers?: Record<string, string>
  ) => Promise<Result<Data>>
}

/** Two systems, a gateway before them, and an admin who has logged in. */
export async function startGraphqlWorld(
  t: Parameters<typeof startWorld>[0],
  overrides: Record<string, unknown> = {},
  systems: Parameters<typeof startWorld>[2] = {},
  realm: RealmName = 'admin'
): Promise<GraphqlWorld> {
  const world = await startWorld(t, overrides, systems)
  const session = await login(world.url, realm, staffOf(world, realm))
  return {
    ...world,
    session,
    async run(query, variables = {}, headers = {}) {
      const reply = await post(world.url, { query, variables }, { token: session.accessToken, realm, headers })
      return JSON.parse(reply.text)
    }
  }
}

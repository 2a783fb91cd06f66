/**
 * Clients of the API as tests need them: raw node:http, so that nothing is added, followed or decoded.
 */
import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { RealmName } from '../core/words.ts'
import { hosts } from './build.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: string[]
  readonly body: Buffer
  readonly text: string
  json(): Record<string, unknown>
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: Buffer | string | undefined
  readonly ca?: string
}

/** One request on a connection of its own. */
export function ask(url: string, { method = 'POST', path = '/', headers = {}, body, ca }: Ask = {}): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const { protocol, hostname, port } = new URL(url)
  const options = {
    hostname,
    port,
    method,
    path,
    headers,
    agent: false as const,
    ...(ca !== undefined && { ca, servername: 'localhost' })
  }
  const request = (protocol === 'https:' ? https : http).request(options, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      const whole = Buffer.concat(chunks)
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: whole,
        text: whole.toString(),
        json: () => JSON.parse(whole.toString()) as Record<string, unknown>
      })
    })
  })
  request.on('error', reject)
  request.end(body)
  return promise
}

const jsonType = { 'content-type': 'application/json' }

/** A JSON call in a realm. */
export function call(
  url: string,
  realm: RealmName,
  name: string,
  params: object = {},
  { headers = {}, authInfo }: { headers?: Record<string, string | string[]>; authInfo?: object } = {}
): Promise<Reply> {
  const body = JSON.stringify(authInfo === undefined ? { params } : { auth_info: authInfo, params })
  return ask(url, { path: `/rest/${name}`, headers: { host: hosts[realm], ...jsonType, ...headers }, body })
}

/** Where the gateway says that a described request would go. */
export const explain = (opsUrl: string, described: object): Promise<Reply> =>
  ask(opsUrl, { path: '/explain', headers: jsonType, body: JSON.stringify(described) })

export interface User {
  readonly login: string
  readonly password: string
}

export interface Session {
  readonly reply: Reply
  readonly accessToken: string
  readonly sessionId: string
  readonly refreshToken: string
}

export async function login(
  url: string,
  realm: RealmName,
  { login: name, password }: User,
  headers: Record<string, string | string[]> = {}
): Promise<Session> {
  const reply = await call(url, realm, 'Session/login', { login: name, password }, { headers })
  const json = reply.json()
  return {
    reply,
    accessToken: String(json.access_token),
    sessionId: String(json.session_id),
    refreshToken: String(json.refresh_token)
  }
}

/** What a browser keeps: cookies by name, from one answer to the next request. */
export function createJar() {
  const cookies = new Map<string, string>()
  return {
    take({ headers }: Reply) {
      for (const line of headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/;\s*max-age=0/i.test(line) || /;\s*expires=thu, 01 jan 1970/i.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
    },
    get: (name: string) => cookies.get(name),
    delete: (name: string) => cookies.delete(name),
    header: (): Record<string, string> =>
      cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

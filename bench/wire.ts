/**
 * The bytes that every peer gets and gives: one request, one answer, the same for all.
 */
import { createHash } from 'node:crypto'

export const answerBytes = 1024
export const host = 'www.customer.example.test'
export const adminHost = 'www.admin.example.test'

/** Looks like an access token: 700 characters, the same in every process of a run. */
const tokenOf = (name: string) =>
  Array.from({ length: 17 }, (_none, at) => createHash('sha256').update(`${name} ${at}`).digest('base64url'))
    .join('')
    .slice(0, 700)

export const accessToken = tokenOf('token')
/** What the source calls the same session, where a session lives on both systems. */
export const sourceToken = tokenOf('source token')

const routingCookie = 'pb_dispatch=authorized-by-remote'

const requestBody = `{"params":{"filler":"${'x'.repeat(126)}"}}`
/** As long, and it names a customer: the gateway reads it. */
const namingBody = `{"params":{"i_customer":7,"filler":"${'x'.repeat(111)}"}}`

export interface RequestHead {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: readonly string[]
  /** The customers' when absent. */
  readonly to?: string
}

export function headOf({ method, path, headers, to = host }: RequestHead): string {
  return [`${method} ${path} HTTP/1.1`, `Host: ${to}`, ...headers, '', ''].join('\r\n')
}

/** A POST with a JSON body; `headers` hold what proves its session. */
export function jsonRequest(path: string, headers: readonly string[], body = requestBody, to = host): Buffer {
  const length = Buffer.byteLength(body)
  const all = ['Content-Type: application/json', 'Accept: */*', ...headers, `Content-Length: ${length}`]
  return Buffer.from(headOf({ method: 'POST', path, headers: all, to }) + body)
}

export const bearerHeader = `Authorization: Bearer ${accessToken}`
/** A browser's: the token in the system's own cookie, the routing cookie beside it. */
const cookieHeader = `Cookie: access_token=${accessToken}; ${routingCookie}`

const dataPath = '/rest/Customer/get_customer_info'
export const bearerRequest = jsonRequest(dataPath, [bearerHeader])
export const cookieRequest = jsonRequest(dataPath, [cookieHeader])
export const locatedRequest = jsonRequest(dataPath, [bearerHeader], namingBody, adminHost)

const loginOf = (to: string) =>
  jsonRequest('/rest/Session/login', [], '{"params":{"login":"bench","password":"bench"}}', to)
export const loginRequest = loginOf(host)
export const adminLoginRequest = loginOf(adminHost)

/**
 * SOAP calls as tests need them: envelopes written by hand, and what an answer's elements hold.
 */
import assert from 'node:assert/strict'
import type { RealmName } from '../core/words.ts'
import { hosts } from './build.ts'
import { type Ask, ask, type Reply, type User } from './client.ts'

const space = 'http://schemas.xmlsoap.org/soap/envelope/'

/** An envelope as a Perl or PHP client writes it. */
export const envelope = (body: string, authInfo = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="${space}" xmlns:n="urn:n">${
    authInfo === '' ? '' : `<SOAP-ENV:Header><n:auth_info>${authInfo}</n:auth_info></SOAP-ENV:Header>`
  }<SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>\n`

export interface SoapCall extends Ask {
  readonly realm?: RealmName
  /** What the header's `auth_info` holds. */
  readonly authInfo?: string
  /** The URL ends at the service: the envelope alone names the method. */
  readonly toService?: boolean
}

/** One call, such as `Customer/get_customer_info`, with the elements that are its parameters. */
export function soapCall(url: string, name: string, params: string, call: SoapCall = {}): Promise<Reply> {
  const { realm = 'customer', authInfo = '', toService = false, headers = {}, ...more } = call
  const [service = '', method = ''] = name.split('/')
  return ask(url, {
    path: toService ? `/soap/${service}` : `/soap/${name}`,
    body: envelope(`<n:${method}>${params}</n:${method}>`, authInfo),
    ...more,
    headers: {
      host: hosts[realm],
      'content-type': 'text/xml; charset=utf-8',
      soapaction: `"urn:n#${method}"`,
      ...headers
    }
  })
}

/** The text of the first element of this name; undefined where there is none. */
export const elementOf = ({ text }: Pick<Reply, 'text'>, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]

export const sessionElement = (id: string) => `<session_id>${id}</session_id>`

/** Logs in by SOAP; what the client holds afterwards. */
export async function soapLogin(url: string, realm: RealmName, { login, password }: User, more: SoapCall = {}) {
  const params = `<login>${login}</login><password><![CDATA[${password}]]></password>`
  const reply = await soapCall(url, 'Session/login', params, { realm, ...more })
  const held = (name: string) => elementOf(reply, name) ?? ''
  return {
    reply,
    accessToken: held('access_token'),
    sessionId: held('session_id'),
    refreshToken: held('refresh_token')
  }
}

/** Asserts a fault of the gateway's own, in SOAP. */
export function assertSoapFault({ status, headers, text }: Reply, expected: number, name: string) {
  assert.equal(status, expected, text)
  assert.equal(headers['content-type'], 'text/xml; charset=utf-8')
  assert.match(
    text,
    new RegExp(`<soap:Body><soap:Fault><faultcode>(?:Client|Server)\\.Dispatcher\\.${name}</faultcode>`)
  )
}

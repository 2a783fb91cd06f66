/**
 * The API's wire forms: one call, told in the ways that clients tell it.
 */
import { hosts, type SoakRealm } from '../settings.ts'
import type { Outgoing } from './client.ts'

export type Form = 'bearer' | 'session id' | 'form' | 'multipart' | 'path' | 'cookie'

export interface Credentials {
  readonly accessToken: string
  readonly sessionId: string
  /** What a browser would send. */
  readonly cookie: string
}

export interface Spoken {
  readonly realm: SoakRealm
  /** `Service/method`. */
  readonly call: string
  readonly params: object
}

const boundary = 'soak-boundary-5f0c1b'
const json = 'application/json'

const field = (name: string, value: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

/** The fields first, so that the gateway can tell whose upload it is before the file has come. */
function multipartOf(authInfo: object, params: object, file: Buffer | null): Buffer {
  const head = field('auth_info', JSON.stringify(authInfo)) + field('params', JSON.stringify(params))
  const disposition = 'Content-Disposition: form-data; name="file"; filename="soak.bin"'
  const fileHead = `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`
  const fileParts = file === null ? [] : [Buffer.from(fileHead), file, Buffer.from('\r\n')]
  return Buffer.concat([Buffer.from(head), ...fileParts, Buffer.from(`--${boundary}--\r\n`)])
}

const encoded = (value: object) => encodeURIComponent(JSON.stringify(value))

/** A call of somebody without a session: a login, or a call that names nobody. */
export function sayAnonymously({ realm, call, params }: Spoken, headers: Record<string, string> = {}): Outgoing {
  return {
    method: 'POST',
    path: `/rest/${call}`,
    headers: { host: hosts[realm], 'content-type': json, ...headers },
    body: Buffer.from(JSON.stringify({ params }))
  }
}

export function upload(spoken: Spoken, { sessionId }: Credentials, file: Buffer): Outgoing {
  const said = sayAnonymously(spoken, { 'content-type': `multipart/form-data; boundary=${boundary}` })
  return { ...said, body: multipartOf({ session_id: sessionId }, spoken.params, file) }
}

export function page(realm: SoakRealm, path: string, { cookie }: Credentials): Outgoing {
  return { method: 'GET', path, headers: { host: hosts[realm], accept: 'text/html', cookie }, body: null }
}

export function say(spoken: Spoken, form: Form, { accessToken, sessionId, cookie }: Credentials): Outgoing {
  const { realm, call, params } = spoken
  const authInfo = { session_id: sessionId }
  const base = { method: 'POST', path: `/rest/${call}` } as const
  const host = hosts[realm]
  switch (form) {
    case 'bearer':
      return sayAnonymously(spoken, { authorization: `Bearer ${accessToken}` })
    case 'cookie':
      return sayAnonymously(spoken, { cookie })
    case 'session id': {
      const body = Buffer.from(JSON.stringify({ auth_info: authInfo, params }))
      return { ...base, headers: { host, 'content-type': json }, body }
    }
    case 'form': {
      const body = Buffer.from(`auth_info=${encoded(authInfo)}&params=${encoded(params)}`)
      return { ...base, headers: { host, 'content-type': 'application/x-www-form-urlencoded' }, body }
    }
    case 'multipart': {
      const headers = { host, 'content-type': `multipart/form-data; boundary=${boundary}` }
      return { ...base, headers, body: multipartOf(authInfo, params, null) }
    }
    case 'path':
      return { ...base, path: `/rest/${call}/${encoded(authInfo)}/${encoded(params)}`, headers: { host }, body: null }
  }
}

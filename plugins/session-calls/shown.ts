/**
 * What a login, a refresh or a logout shows of sessions: the one that it is about, and all others.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerOf, everyCredentialIn, type Shown, shownCredentials } from '../../core/credentials.ts'
import type { Call, Credential } from '../../core/words.ts'

/** A request as far as the decision looks at it. */
export type Asked = Pick<FastifyRequest, 'target' | 'place' | 'headers'>

export function createShown(remoteSession: FastifyInstance['remoteSession'] | null) {
  const cookiesOf = ({ headers }: Pick<Asked, 'headers'>) =>
    remoteSession?.read(headers) ?? { isSource: false, credentials: [] }

  const shownBy = (asked: Asked, call: Call): Shown =>
    shownCredentials(asked.headers.authorization, asked.target.route, call, cookiesOf(asked).credentials)

  /** All that a request shows, older credentials and those of other sessions too. */
  function everyShownBy(asked: Asked, call: Call): Credential[] {
    const bearer = bearerOf(asked.headers.authorization)
    const elsewhere = [...cookiesOf(asked).credentials, ...everyCredentialIn(asked.target.route, call)]
    return bearer === null ? elsewhere : [bearer, ...elsewhere]
  }

  /** A refresh is about its token, whatever else the request shows; the rest may know the session where that does not. */
  function shownToRefresh(asked: Asked, call: Call): Shown {
    const { credentials } = shownBy(asked, call)
    const value = call.params?.refresh_token
    if (typeof value !== 'string' || value === '') return { credentials, together: false }
    const others = credentials.filter((credential) => credential.value !== value)
    return { credentials: [{ kind: 'refresh_token', value }, ...others], together: false }
  }

  return { cookiesOf, shownBy, everyShownBy, shownToRefresh }
}

export type SessionShown = ReturnType<typeof createShown>

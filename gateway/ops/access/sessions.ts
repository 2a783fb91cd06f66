/**
 * The console's sessions: a browser shows the ops token once, and a cookie from then on. What a session is good for ends
 * with the token that opened it.
 */
import { randomBytes } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../../core/faults.ts'
import { createSeal, keysFor } from '../../../core/seal.ts'
import type { Config } from '../../config-schema.ts'
import { createKeptSessions, type KeptSessions } from './session-store.ts'
import { createStreams, type Streams } from './streams.ts'
import { isSame } from './tokens.ts'

declare module 'fastify' {
  interface Session {
    /** Which token opened it: its keyed hash. Absent where none has. */
    opsToken?: string
    csrf?: string
    /** Ms since 1970. */
    seenAt?: number
  }
}

const cookieName = 'wd_ops'
/** Without a request for so long it ends, ms. */
const idleMs = 12 * 3_600_000
/** How often it is written that it is in use, ms. */
const renewMs = 300_000

/** Secure where the browser came by TLS: without, its cookie would never come back. */
const attributesFor = ({ protocol }: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: protocol === 'https', maxAge: idleMs }) as const

export interface ConsoleSessions {
  /** Begins one for who has shown the token; whatever session there was before is gone (no fixation). */
  begin(request: FastifyRequest): Promise<void>
  /** From then on the answer ends with the session. */
  isOpen(request: FastifyRequest, reply: FastifyReply): Promise<boolean>
  csrfOf(request: FastifyRequest): string
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

/** Throws `other_site` for a request that changes something and does not show its session's token. */
export function requireCsrf({ headers }: FastifyRequest, csrf: string): void {
  const shown = headers['x-csrf-token']
  if (typeof shown === 'string' && isSame(shown, csrf)) return
  throw new Fault('other_site', 'it does not show the X-CSRF-Token of its session; load the page again')
}

/** Another process may end a session whose answers go out here. */
function endWithOthers({ isKept, onChanged }: KeptSessions, streams: Streams, log: FastifyInstance['log']) {
  onChanged((mayBe) => {
    for (const id of [...streams.ids()].filter(mayBe)) {
      isKept(id).then(
        (kept) => kept || streams.end(id),
        (err) => log.debug({ err }, 'whether a session has ended is not known')
      )
    }
  })
}

export async function addSessions(scope: FastifyInstance, app: FastifyInstance, config: Config) {
  // Its import takes a while, and most gateways need none.
  const { default: session } = await import('@fastify/session')
  const seal = createSeal(config.secret)
  const kept = createKeptSessions(app, seal, idleMs)
  const streams = createStreams()
  endWithOthers(kept, streams, scope.log)
  const tokenHashes = seal.keysOf('ops token', config.ops.token)
  await scope.register(cookie)
  await scope.register(session, {
    secret: keysFor(config.secret, 'console cookies'),
    cookieName,
    // Not `auto`: that would make it SameSite=Lax without TLS.
    cookie: { path: '/', httpOnly: true, sameSite: 'strict', secure: false, maxAge: idleMs },
    store: kept.sessions,
    saveUninitialized: false,
    // Renewed by `isOpen`: one that is written as its answer leaves would bring back a session that has ended meanwhile.
    rolling: false
  })

  const sessions: ConsoleSessions = {
    async begin(request) {
      await request.session.regenerate()
      request.session.options(attributesFor(request))
      request.session.opsToken = seal.keyOf('ops token', config.ops.token)
      request.session.csrf = randomBytes(32).toString('base64url')
      request.session.seenAt = Date.now()
    },

    async isOpen(request, reply) {
      const { opsToken, seenAt = 0 } = request.session
      if (opsToken === undefined || !tokenHashes.includes(opsToken)) return false
      const now = Date.now()
      if (now - seenAt > renewMs) {
        request.session.seenAt = now
        request.session.options(attributesFor(request))
        await request.session.save()
      }
      streams.note(request.session.sessionId, reply.raw)
      return true
    },

    csrfOf: (request) => request.session.csrf ?? '',

    async end(request, reply) {
      const { sessionId } = request.session
      await request.session.destroy()
      streams.end(sessionId)
      reply.clearCookie(cookieName, attributesFor(request))
    }
  }
  return sessions
}

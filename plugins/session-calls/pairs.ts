/**
 * Sessions of a dual realm: opened, renewed and ended on both systems (contract section 4).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { halfOf, type OpenedSession, sessionOf } from '../../core/answer.ts'
import { isLikeCredential, swapsFor } from '../../core/credentials.ts'
import { askerOf, ownCall } from '../../core/own-call.ts'
import type { Swap } from '../../core/swap.ts'
import {
  type Credential,
  type CredentialKind,
  type Half,
  type KeptSession,
  otherSystem,
  type System
} from '../../core/words.ts'
import { createAttempts, isKept, type Outcome } from './attempts.ts'

const openedBy = ({ attempt }: Outcome): OpenedSession | null =>
  'answer' in attempt ? sessionOf(attempt.answer) : null

const credentialsOf = (half: Half): Credential[] =>
  (Object.entries(half) as [CredentialKind, string][]).map(([kind, value]) => ({ kind, value }))

const logoutAnswerBytes = 65_536

export function createPairs(app: FastifyInstance, logoutPath: string) {
  const { attempt, onBoth } = createAttempts(app)
  const { ttlMs } = app.homes

  /** As long as its longest record. */
  const ttlFor = ({ lifetimeMs }: OpenedSession) => Math.max(ttlMs, lifetimeMs ?? 0)

  /** Keeps the names that one system gave to a session, which stays what it was; null is a new one. */
  async function adopt(opened: OpenedSession, system: System, was: KeptSession | null): Promise<KeptSession> {
    if (was === null || was.halves === null || system === 'source') {
      const session = was ?? app.pairedSessions.begin()
      await app.homes.remember(opened, { system, session })
      if (was !== null) await app.pairedSessions.keepOn(session.id)
      return session
    }
    const target = { ...was.halves.target, ...halfOf(opened) }
    const session = await app.pairedSessions.keep({ ...was.halves, target }, ttlFor(opened), was.id)
    const renewed = { credentials: credentialsOf(target), lifetimeMs: opened.lifetimeMs }
    await app.homes.remember(renewed, { system: 'both', session })
    return session
  }

  async function pairUp(client: OpenedSession, source: OpenedSession, id?: string) {
    const halves = { target: halfOf(client), source: halfOf(source) }
    const session = await app.pairedSessions.keep(halves, ttlFor(client), id)
    await app.homes.remember(client, { system: 'both', session })
  }

  /** Ends what nobody will ever use: the client has the other half, or none any more. */
  async function endHalf(request: FastifyRequest, { credentials }: OpenedSession, on: System) {
    const [credential] = credentials
    if (credential === undefined) return
    const { realm, client } = askerOf(request)
    const logout = ownCall(logoutPath, '{}', credential, client)
    await app.upstream(on, realm).exchange(logout, logoutAnswerBytes)
  }

  /**
   * The second half came after the client was answered: the session lives on both from now on, unless it lives on the
   * source alone, or the client has logged out meanwhile.
   */
  async function takeLate(request: FastifyRequest, client: OpenedSession, id: string, late: Promise<Outcome>) {
    const outcome = await late
    const half = openedBy(outcome)
    const [credential] = client.credentials
    if (half === null || credential === undefined) return
    const lives = outcome.to === 'source' && (await app.homes.find(credential))?.by === 'record'
    if (lives) await pairUp(client, half, id)
    else await endHalf(request, half, outcome.to)
    request.log.info({ system: outcome.to, lives }, 'the second half of a session came late')
  }

  /**
   * What each system must not be shown at a login: what the other one calls an older session of this client, in a cookie
   * that a browser still has. What nobody knows is taken for the target's, as everything that clients hold.
   */
  async function hidingOld(seen: readonly Credential[]): Promise<Record<System, Swap[]>> {
    const swaps: Record<System, Swap[]> = { source: [], target: [] }
    for (const credential of seen.filter(isLikeCredential)) {
      const issuer = (await app.homes.find(credential))?.system === 'source' ? 'source' : 'target'
      swaps[otherSystem(issuer)].push({ from: credential.value, to: '' })
    }
    return swaps
  }

  async function login(
    request: FastifyRequest,
    forwardOn: ReadonlySet<string> | null,
    old: readonly Credential[]
  ): Promise<Outcome> {
    const { chosen, other, late } = await onBoth(request, forwardOn, await hidingOld(old))
    const opened = openedBy(chosen)
    const second = other === null ? null : openedBy(other)
    const isPair = opened !== null && second !== null && chosen.to === 'target'
    request.trail.to = isPair || opened === null ? 'both' : chosen.to
    request.trail.reason = 'login'
    if (opened === null) return chosen
    if (isPair) {
      await pairUp(opened, second)
      return chosen
    }
    const session = await adopt(opened, chosen.to, null)
    const lost = (err: unknown) => request.log.error({ err }, 'a second half was lost')
    if (late !== undefined) takeLate(request, opened, session.id, late).catch(lost)
    return chosen
  }

  async function refresh(request: FastifyRequest, session: KeptSession): Promise<Outcome> {
    const [byTarget, renewed] = await Promise.all([
      attempt(request, 'target', null),
      app.pairedSessions.renew(session, askerOf(request), ttlMs)
    ])
    request.trail.to = 'both'
    const opened = openedBy(byTarget)
    // What was refused stays known as the target's, so that nobody tries it on the source.
    if (opened !== null) await adopt(opened, 'target', renewed ?? (await app.pairedSessions.find(session.id)))
    return byTarget
  }

  async function logout(request: FastifyRequest, { halves }: KeptSession, shown: readonly Credential[]) {
    request.trail.reason = 'session_record'
    if (halves === null || !isKept(request)) return attempt(request, 'target', new Set())
    const [byTarget] = await Promise.all([
      attempt(request, 'target', new Set()),
      attempt(request, 'source', new Set(), swapsFor(halves, shown))
    ])
    request.trail.to = 'both'
    return byTarget
  }

  return { login, refresh, adopt, logout }
}

/**
 * The home of one credential: by what this process has ready, its record, or the token's own signature.
 */
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../core/faults.ts'
import { homeOf } from '../../core/homes.ts'
import type { Credential, Home } from '../../core/words.ts'
import type { Ready, ReadyCredentials } from './ready.ts'
import type { Records } from './records.ts'

const isAway = (error: unknown) => error instanceof Fault && error.fault === 'store_unavailable'

export function createFinding(app: FastifyInstance, records: Records, front: ReadyCredentials) {
  async function findRecord(credential: Credential): Promise<Home | null> {
    const before = records.heard()
    const found = await records.find(credential)
    if (found === null) return null
    if (records.heard() === before) front.keepRecord(credential.value, found)
    const { record } = found
    await records.keepOn(found)
    if (record.session === undefined) return { system: record.home, by: 'record' }
    return homeOf(record.home, await app.pairedSessions.find(record.session))
  }

  async function findSigned(credential: Credential, isSure: boolean): Promise<Home | null> {
    const signer = credential.kind === 'access_token' ? await app.verifyToken(credential.value) : null
    const home: Home | null = signer === null ? null : { system: signer, by: 'signature' }
    front.keepSigned(credential.value, home, isSure)
    return home
  }

  /** Throws `store_unavailable`. */
  async function findSurely(credential: Credential): Promise<Home | null> {
    const ready = front.get(credential.value)
    if (ready?.session != null) return homeOf(ready.system, await app.pairedSessions.find(ready.session))
    if (ready !== undefined) return ready.home
    const recorded = await findRecord(credential)
    return recorded ?? findSigned(credential, true)
  }

  async function find(credential: Credential): Promise<Home | null> {
    try {
      return await findSurely(credential)
    } catch (error) {
      if (!isAway(error)) throw error
      return findSigned(credential, false)
    }
  }

  /** Of what is ready; null where it tells none, undefined where the store must be asked. */
  function atOnce({ home, session: id, system }: Ready): Home | null | undefined {
    if (home !== null) return home
    if (id === null) return null
    const session = app.pairedSessions.atOnce(id)
    return session === undefined ? undefined : homeOf(system, session)
  }

  return { findSurely, find, atOnce }
}

export type Finding = ReturnType<typeof createFinding>

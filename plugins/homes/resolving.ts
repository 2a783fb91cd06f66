/**
 * The home of all that a client shows: its credentials one after the other, then the routing cookie, then the systems.
 */
import type { FastifyInstance } from 'fastify'
import type { Shown } from '../../core/credentials.ts'
import { Fault } from '../../core/faults.ts'
import { agreed, mayBeHalf, noCredential, withoutRecord } from '../../core/homes.ts'
import type { Asker } from '../../core/own-call.ts'
import { type Credential, type Home, isSingleHome, type RealmName, type System } from '../../core/words.ts'
import type { Finding } from './finding.ts'
import type { Counts, Ready, ReadyCredentials } from './ready.ts'

interface Parts {
  readonly front: ReadyCredentials
  readonly counts: Counts
  readonly finding: Finding
  readonly ask: (credential: Credential, asker: Asker) => Promise<System | null>
}

/** How long after a loss other processes may still write back what they know, ms. */
const restoringMs = 3_000

export function createResolving(app: FastifyInstance, { front, counts, finding, ask }: Parts) {
  function refuseLost() {
    const { lostAt } = app.storeState
    if (lostAt === null) return
    // Whoever knows the session writes its record back.
    if (Date.now() - lostAt < restoringMs) throw new Fault('store_unavailable', '', { retryAfter: 1 })
    throw new Fault('session_ended')
  }

  function noteUse(ready: Ready | undefined) {
    counts.remembered++
    if (ready !== undefined) ready.isUsed = true
  }

  function atOnce(credentials: readonly Credential[], cookieSaysSource: boolean, realm: RealmName): Home | undefined {
    const isDoubtful = !isSingleHome(realm) && (app.storeState.lostAt !== null || !app.storeState.isUp)
    for (const { value } of credentials) {
      const ready = front.get(value)
      if (ready === undefined) return undefined
      const home = finding.atOnce(ready)
      if (home === undefined) return undefined
      if (home === null) continue
      if (isDoubtful && mayBeHalf(home)) return undefined
      noteUse(ready)
      return home
    }
    return withoutRecord(credentials[0], cookieSaysSource)
  }

  async function resolve(
    shown: Shown,
    cookieSaysSource: boolean,
    asker: Asker | null,
    realm: RealmName | null
  ): Promise<Home> {
    const isDual = realm !== null && !isSingleHome(realm)
    // The cookie is for sessions that the source alone has.
    const findOne = isDual && !cookieSaysSource ? finding.findSurely : finding.find
    let found: Home | null = null
    for (const credential of shown.credentials) {
      const home = await findOne(credential)
      if (home === null) continue
      found = found === null ? home : agreed(found, home)
      if (asker !== null) noteUse(front.get(credential.value))
      if (!shown.together) break
    }
    const [first] = shown.credentials
    if (isDual && first !== undefined && !cookieSaysSource && mayBeHalf(found)) refuseLost()
    const home = found ?? withoutRecord(first, cookieSaysSource)
    if (home !== undefined || first === undefined) return home ?? noCredential
    if (asker === null) return { system: 'target', by: 'unasked' }
    if (front.isRefused(first.value)) counts.remembered++
    const system = await ask(first, asker)
    return system === null ? { system: 'target', by: 'unknown_credential' } : { system, by: 'asked' }
  }

  return { atOnce, resolve }
}

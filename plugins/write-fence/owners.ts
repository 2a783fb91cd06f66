/**
 * Whose a session is in a realm where a session lives on one system: asked once, of its home, with its own credential,
 * and remembered under the credential's keyed hash. Never a claim of a token that nobody has verified.
 */
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { isUnavailable, refusesSession } from '../../core/answer.ts'
import { Fault } from '../../core/faults.ts'
import { standingOf } from '../../core/location.ts'
import { type Asker, ownCall } from '../../core/own-call.ts'
import { createSeal, type Secrets } from '../../core/seal.ts'
import { type Credential, noCall, type RealmName, type System } from '../../core/words.ts'

export interface Owner {
  readonly iCustomer: number
  /** When the session was opened, or first seen, ms since 1970. */
  readonly since: number
}

/** nobody: its system does not know the session; unclear: it does not say whose it is. */
export type Owned = Owner | 'nobody' | 'unclear'

/** As long as a session's record is kept. */
const ttlMs = 2 * 86_400_000
/** Kept ready; each costs about its credential's length. */
const frontLimit = 10_000
const patienceMs = 5_000
const answerBytes = 1 << 20

/** Where the caller is implied (protocol.md section 4). */
const questions = {
  customer: { kind: 'customer', service: 'Customer', method: 'get_customer_info' },
  account: { kind: 'account', service: 'Account', method: 'get_account_info' }
} as const

export const questionOf = (realm: RealmName) => (realm === 'account' ? questions.account : questions.customer)

interface Setting {
  readonly secret: Secrets
  readonly restPrefix: string
}

export function createOwners(app: FastifyInstance, { secret, restPrefix }: Setting) {
  const kept = app.store('owners', { lasting: true })
  const { keyOf, keysOf } = createSeal(secret)
  const front = new LRUCache<string, Owner>({ maxSize: frontLimit, sizeCalculation: () => 1 })
  const underWay = new Map<string, Promise<Owned>>()

  /** Of all credentials of the session: nobody is asked for another of them, also once the record is forgotten. */
  async function keep(credential: Credential, iCustomer: number): Promise<Owner> {
    const record = await app.homes.recordOf(credential)
    const owner = { iCustomer, since: record?.openedAt ?? Date.now() }
    front.set(credential.value, owner)
    const keys = record?.keys ?? [keyOf('credential', credential.value)]
    const text = JSON.stringify(owner)
    // Never rejects.
    kept.setAll(keys.map((key) => ({ key, value: text, ttlMs })))
    return owner
  }

  async function recall(value: string): Promise<Owner | undefined> {
    for (const key of keysOf('credential', value)) {
      // A store that is away: the system is asked.
      const text = await kept.get(key).catch(() => undefined)
      if (text === undefined) continue
      const owner = JSON.parse(text) as Owner
      front.set(value, owner)
      return owner
    }
    return undefined
  }

  /** Rejects with a Fault when the system gives no answer. */
  async function ask(credential: Credential, system: System, { realm, client }: Asker): Promise<Owned> {
    const { kind, service, method } = questionOf(realm)
    const call = ownCall(`${restPrefix}/${service}/${method}`, '{}', credential, client)
    const answer = await app.upstream(system, realm).exchange({ ...call, isRead: true, patienceMs }, answerBytes)
    if (isUnavailable(answer.status)) throw new Fault('system_unavailable', system, { retryAfter: 1 })
    if (refusesSession({ family: 'billing', wire: 'rest', service, method, inPath: noCall }, answer)) return 'nobody'
    const { iCustomer } = standingOf(kind, answer)
    return iCustomer === null ? 'unclear' : keep(credential, iCustomer)
  }

  return {
    /** What this process has ready. */
    atOnce: (value: string): Owner | undefined => front.get(value),

    /** Rejects with a Fault when the session's system gives no answer. */
    async find(credential: Credential, system: System, asker: Asker): Promise<Owned> {
      const { value } = credential
      const known = front.get(value) ?? (await recall(value))
      if (known !== undefined) return known
      const name = `${system} ${value}`
      const question = underWay.get(name) ?? ask(credential, system, asker).finally(() => underWay.delete(name))
      underWay.set(name, question)
      return question
    }
  }
}

export type Owners = ReturnType<typeof createOwners>

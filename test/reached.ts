/**
 * Staff at work through a gateway, and what reached the systems: the calls of clients that the gateway has passed on, and
 * the questions that it asks by itself.
 */
import assert from 'node:assert/strict'
import type { RealmName, System } from '../core/words.ts'
import type { JournalEntry, Simulator } from '../simulator/index.ts'
import { hosts, type World } from './build.ts'
import { type Ask, ask, bearer, call, login, type User } from './client.ts'

const userOf: Readonly<Partial<Record<RealmName, (system: Simulator) => User>>> = {
  reseller: ({ users }) => users.reseller(),
  cc_staff: ({ users }) => users.ccStaff()
}

/** Somebody of a dual realm who is logged in on both systems; the journals are empty afterwards. */
export async function enter({ url, source, target }: World, realm: RealmName = 'admin') {
  const session = await login(url, realm, userOf[realm]?.(target) ?? target.users.admin())
  assert.equal(session.reply.headers['x-dispatched-to'], 'source,target', session.reply.text)
  clearJournals({ source, target })
  const headers = bearer(session.accessToken)
  return {
    session,
    headers,
    call: (name: string, params: object, more: Record<string, string> = {}) =>
      call(url, realm, name, params, { headers: { ...headers, ...more } }),
    send: (path: string, params: object, more: Ask = {}) =>
      ask(url, {
        path,
        body: JSON.stringify({ params }),
        ...more,
        headers: { host: hosts[realm], 'content-type': 'application/json', ...headers, ...more.headers }
      })
  }
}

type Systems = Readonly<Record<System, Simulator>>

/** The gateway's own calls write this name so; the clients of these tests write it in lower case, or not at all. */
const isPassedOn = ({ rawHeaders }: JournalEntry) => !rawHeaders.includes('Content-Type')

const nameOf = ({ service, method }: JournalEntry) => `${service}/${method}`

const passedOn = ({ journal }: Simulator): string[] => journal.entries.filter(isPassedOn).map(nameOf)

/** The calls of clients on each system, by name. */
export const reached = ({ source, target }: Systems) => ({ source: passedOn(source), target: passedOn(target) })

export const onlyAt = (to: System, name: string) => ({ source: [], target: [], [to]: [name] })

const isLookup = (entry: JournalEntry) =>
  !isPassedOn(entry) && /^(?:Customer\/get_customer|Account\/get_account)_info$/.test(nameOf(entry))

/** How often the gateway has asked the source, and the target, for an entity. */
export const lookups = ({ source, target }: Systems) => [source.journal.count(isLookup), target.journal.count(isLookup)]

export function clearJournals({ source, target }: Systems): void {
  source.journal.clear()
  target.journal.clear()
}

/**
 * Who writes: administrators who stay logged in, and the customers who are moved, some of whom have sessions of their own.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { cookieOf } from '../soak/load/actors.ts'
import type { Client } from '../soak/load/client.ts'
import type { Credentials } from '../soak/load/forms.ts'
import type { Person } from '../soak/systems.ts'
import { login, type Way } from './writes.ts'

interface User {
  readonly login: string
  readonly password: string
}

/** A customer who is moved. */
export interface Subject {
  readonly iCustomer: number
  readonly iAccount: number | null
  readonly users: Readonly<Partial<Record<'customer' | 'account', User>>>
  readonly hasOwnSessions: boolean
  readonly sessions: Partial<Record<'customer' | 'account', Credentials>>
  /** Its writes follow each other: there is one at a time. */
  isBusy: boolean
}

/** Every so many customers log in themselves. */
const ownEvery = 3

export const subjectOf = ({ customer, account }: Person, at: number): Subject => ({
  iCustomer: customer.i_customer,
  iAccount: account?.i_account ?? null,
  users: { customer, ...(account !== null && { account }) },
  hasOwnSessions: at % ownEvery === 0,
  sessions: {},
  isBusy: false
})

const adminCount = 4
/** A login that is refused is tried again: its customer may just be on no system. */
const loginEveryMs = 250

export type Sessions = ReturnType<typeof createSessions>

export function createSessions(client: Client, admin: User, now: () => number) {
  const admins: Credentials[] = []
  let turn = 0
  const counts = { logins: 0, refusedLogins: 0 }

  async function open(realm: 'admin' | 'customer' | 'account', user: User): Promise<Credentials | null> {
    const told = await client.send(login(realm, user), null)
    if (told.ending !== 'answered' || told.status !== 200) return null
    const json = JSON.parse(told.text) as Record<string, unknown>
    counts.logins++
    return { accessToken: String(json.access_token), sessionId: String(json.session_id), cookie: cookieOf(told) }
  }

  async function openUntil(realm: 'customer' | 'account', user: User, by: number): Promise<Credentials> {
    for (;;) {
      const session = await open(realm, user)
      if (session !== null) return session
      counts.refusedLogins++
      if (now() > by) throw new Error(`${user.login} cannot log in`)
      await delay(loginEveryMs)
    }
  }

  return {
    counts,

    async openAdmins() {
      for (let at = 0; at < adminCount; at++) {
        const session = await open('admin', admin)
        if (session === null) throw new Error('an administrator cannot log in')
        admins.push(session)
      }
    },

    /** The session of whoever writes this way, opened where there is none. */
    async of(subject: Subject, { by }: Way, patienceEnds: number): Promise<Credentials> {
      if (by === 'admin') return admins[turn++ % admins.length] as Credentials
      const known = subject.sessions[by]
      if (known !== undefined) return known
      const user = subject.users[by]
      if (user === undefined) throw new Error(`${by} of ${subject.iCustomer} cannot log in`)
      const opened = await openUntil(by, user, patienceEnds)
      subject.sessions[by] = opened
      return opened
    },

    forget(subject: Subject, { by }: Way) {
      if (by !== 'admin') delete subject.sessions[by]
    }
  }
}

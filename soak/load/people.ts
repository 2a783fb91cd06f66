/**
 * What customers and accounts do in their own realms: everything goes where their session lives.
 */
import { createHash } from 'node:crypto'
import type { System } from '../../core/words.ts'
import type { Dice } from '../dice.ts'
import type { Actor, Session } from './actors.ts'
import type { Told } from './books.ts'
import { type Form, page, say, sayAnonymously, upload } from './forms.ts'
import { only } from './sessions.ts'
import type { Asking } from './speaker.ts'

type Json = Readonly<Record<string, unknown>>
export type MakeAsking = (actor: Actor, session: Session, dice: Dice, form: Form) => Asking

const bodyBytes = { least: 66_000, most: 260_000 }

const infoOf = ({ json }: Told, key: string) => (json?.[key] ?? {}) as Json

const sameNumber = (what: string, got: unknown, wanted: number | null) =>
  Number(got) === wanted ? null : `${what} is ${got} instead of ${wanted}`

/** A call in the caller's own name. */
function ownCall(
  actor: Actor,
  session: Session,
  form: Form,
  [call, params]: readonly [call: string, params: object],
  more: Partial<Asking> = {}
): Asking {
  const outgoing = say({ realm: actor.realm, call, params }, form, session)
  return { call, outgoing, expected: only(session.lives), ...more }
}

const readOwn: MakeAsking = (actor, session, _dice, form) =>
  actor.account === null
    ? ownCall(actor, session, form, ['Customer/get_customer_info', {}], {
        check: (told) => sameNumber('i_customer', infoOf(told, 'customer_info').i_customer, actor.customer)
      })
    : ownCall(actor, session, form, ['Account/get_account_info', {}], {
        check: (told) => sameNumber('i_account', infoOf(told, 'account_info').i_account, actor.account)
      })

export function peopleCalls(releases: Readonly<Record<System, string>>) {
  const readRelease: MakeAsking = (actor, session, _dice, form) =>
    ownCall(actor, session, form, ['Generic/get_session_data', {}], {
      check: ({ json }) => (json?.release === releases[session.lives] ? null : `the release is ${json?.release}`)
    })

  const readList: MakeAsking = (actor, session, dice, form) => {
    if (actor.account === null && dice.chance(0.5)) {
      return ownCall(actor, session, form, ['Account/get_account_list', { limit: 10 }], {
        check: ({ json }) => {
          const strangers = ((json?.account_list ?? []) as Json[]).filter((row) => row.i_customer !== actor.customer)
          return strangers.length === 0 ? null : `accounts of another customer: ${strangers.length}`
        }
      })
    }
    return actor.account === null
      ? ownCall(actor, session, form, ['Customer/get_customer_xdrs', { limit: 5 }])
      : ownCall(actor, session, form, ['Account/get_mailbox_message_list', {}])
  }

  const writeOwn: MakeAsking = (actor, session, dice, form) => {
    const note = `soak ${Math.floor(dice.next() * 1e9)}`
    return actor.account === null
      ? ownCall(actor, session, form, ['Customer/update_customer', { customer_info: { note } }], {
          isWrite: true,
          check: ({ json }) => sameNumber('i_customer', json?.i_customer, actor.customer)
        })
      : ownCall(actor, session, form, ['Account/update_account', { account_info: { note } }], {
          isWrite: true,
          check: ({ json }) => sameNumber('i_account', json?.i_account, actor.account)
        })
  }

  const writeOther: MakeAsking = (actor, session, dice, form) => {
    if (dice.chance(0.4)) {
      return ownCall(actor, session, form, ['AccessControl/create_otp', { operation: 'soak' }], { isWrite: true })
    }
    if (actor.account === null && dice.chance(0.2)) {
      const id = `soak${Math.floor(dice.next() * 1e12)}`
      return ownCall(actor, session, form, ['Account/add_account', { account_info: { id } }], { isWrite: true })
    }
    return ownCall(actor, session, form, ['CallControl/originate_call', { from: '1', to: '2' }], { isWrite: true })
  }

  /** The plain REST API, whose method says what is a write. */
  const writePlain: MakeAsking = (actor, session) => {
    const call = '/espf/v1/subscriptions'
    const said = sayAnonymously({ realm: actor.realm, call, params: {} })
    const headers = { ...said.headers, authorization: `Bearer ${session.accessToken}` }
    const outgoing = { ...said, path: call, headers, body: Buffer.from('{"name":"soak"}') }
    return { call, outgoing, expected: only(session.lives), isWrite: true }
  }

  const ping: MakeAsking = (actor, session, _dice, form) =>
    ownCall(actor, session, form, ['Session/ping', { access_token: session.accessToken }])

  const readPage: MakeAsking = (actor, session) => ({
    call: '/dashboard',
    outgoing: page(actor.realm, '/dashboard', session),
    expected: only(session.lives),
    check: ({ text }) => (text.includes(releases[session.lives]) ? null : 'a page of another release')
  })

  const uploadFile: MakeAsking = (actor, session, dice) => {
    const call = 'Account/upload_something'
    const file = Buffer.alloc(Math.floor(dice.between(bodyBytes.least, bodyBytes.most)), dice.next().toString(36))
    const sha256 = createHash('sha256').update(file).digest('hex')
    return {
      call,
      outgoing: upload({ realm: actor.realm, call, params: { about: 'soak' } }, session, file),
      expected: only(session.lives),
      isWrite: true,
      leaving: dice.chance(0.15) ? 'within body' : null,
      check: ({ json }) => (json?.sha256 === sha256 ? null : 'not the bytes that were sent')
    }
  }

  const leaving =
    (make: MakeAsking): MakeAsking =>
    (actor, session, dice, form) => ({
      ...make(actor, session, dice, form),
      leaving: { afterMs: Math.floor(dice.between(0, 6)) }
    })

  return {
    readOwn,
    readRelease,
    readList,
    writeOwn,
    writeOther,
    writePlain,
    ping,
    readPage,
    uploadFile,
    leaveRead: leaving(readOwn),
    leaveWrite: leaving(writeOwn)
  }
}

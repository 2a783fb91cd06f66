/**
 * Every method that a system knows, by service and name.
 */
import type { Answer } from '../answers.ts'
import type { JsonObject } from '../exact-json.ts'
import type { Call } from '../system.ts'
import { accountMethods } from './account.ts'
import { callControlMethods } from './call-control.ts'
import { cdrMethods } from './cdr.ts'
import { customerMethods } from './customer.ts'
import { customerDetailMethods } from './customer-details.ts'
import { genericMethods } from './generic.ts'
import { invoiceMethods } from './invoice.ts'
import { mailboxMethods } from './mailbox.ts'
import { isTooOldFor, newerMethods } from './newer.ts'
import { otpMethods } from './otp.ts'
import { portasipMethods } from './portasip.ts'
import { smallListMethods } from './small-lists.ts'

/** A plain object is answered as JSON. */
export type Method = (call: Call) => JsonObject | Answer

export const methods: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    ...genericMethods,
    ...customerMethods,
    ...customerDetailMethods,
    ...accountMethods,
    ...mailboxMethods,
    ...invoiceMethods,
    ...cdrMethods,
    ...smallListMethods,
    ...otpMethods,
    ...callControlMethods,
    ...newerMethods
  })
)

/** Of the PortaSIP API, which has its own path and its own services. */
export const sipMethods: ReadonlyMap<string, Method> = new Map<string, Method>(Object.entries(portasipMethods))

/** A method of the billing API as a release has it. */
export const methodIn = (release: string, name: string): Method | undefined =>
  isTooOldFor(release, name) ? undefined : methods.get(name)

/** The names of all that a release has. */
export const methodsIn = (release: string): string[] =>
  [...methods.keys()].filter((name) => !isTooOldFor(release, name))

const readNames = /^(get_|ping$|login|logout$|refresh_)/

/** The method's name says whether it changes anything. */
export function isWrite(method: string | null): boolean {
  return method !== null && !readNames.test(method)
}

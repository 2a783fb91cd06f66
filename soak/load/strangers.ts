/**
 * Requests of nobody: tokens that no system knows, and calls without any. They go to the target, which refuses them.
 */
import type { Dice } from '../dice.ts'
import type { SoakRealm } from '../settings.ts'
import { type Form, say, sayAnonymously } from './forms.ts'
import { only } from './sessions.ts'
import type { Asking } from './speaker.ts'

const realms: readonly SoakRealm[] = ['customer', 'account', 'admin', 'reseller']

export function strangersCall(dice: Dice, form: Form): { readonly realm: SoakRealm; readonly asking: Asking } {
  const realm = dice.pick(realms)
  const call = dice.pick(['Generic/get_session_data', 'AccessControl/create_otp'])
  const spoken = { realm, call, params: {} }
  const unknown = Math.floor(dice.next() * 1e15).toString(16)
  const credentials = {
    accessToken: `soak.${unknown}.nobody`,
    sessionId: unknown,
    cookie: `access_token=soak.${unknown}.nobody`
  }
  const outgoing = dice.chance(0.3) ? sayAnonymously(spoken) : say(spoken, form, credentials)
  return { realm, asking: { call, outgoing, expected: only('target'), isWrite: call.includes('create') } }
}

/**
 * The PortaSIP API: menus, conferences and voicemail settings of an account. What is set is kept with the account,
 * under names that its record does not show, and moves with it.
 */

import { extraOf } from '../data.ts'
import { isJsonObject, type JsonObject } from '../exact-json.ts'
import { accountOf, requireHere } from '../scope.ts'
import type { Call } from '../system.ts'

export const portasipMethods = {
  'AutoAttendant/get_menu_list': (call: Call) => ({ menu_list: [setting(call, '_menu', { name: 'ROOT', i_menu: 1 })] }),
  'AutoAttendant/update_menu': (call: Call) => change(call, '_menu', 'menu_info'),
  'Conference/get_conference_list': (call: Call) => ({
    conference_list: [setting(call, '_conference', { name: 'Daily', i_conference: 1, pin: '1234' })]
  }),
  'Conference/update_conference': (call: Call) => change(call, '_conference', 'conference_info'),
  'Voicemail/get_settings': (call: Call) => ({ settings: setting(call, '_voicemail', { greeting: 'standard' }) }),
  'Voicemail/update_settings': (call: Call) => change(call, '_voicemail', 'settings')
}

function setting(call: Call, name: string, initial: JsonObject): JsonObject {
  const account = accountOf(call)
  const kept = extraOf(account.extra)[name]
  return { ...initial, i_account: account.i_account, ...(isJsonObject(kept) ? kept : {}) }
}

function change(call: Call, name: string, parameter: string): JsonObject {
  const account = accountOf(call)
  requireHere(account)
  const kept = extraOf(account.extra)[name]
  const given = call.params[parameter]
  const merged = { ...(isJsonObject(kept) ? kept : {}), ...(isJsonObject(given) ? given : {}) }
  call.system.data.change('accounts', account.i_account, { [name]: merged })
  return { success: 1 }
}

/**
 * Methods that only newer releases have: what a portal of the target's release may call, and the source refuses. Which
 * method came with which release is assumed.
 */
import { fault } from '../api-fault.ts'
import type { JsonObject } from '../exact-json.ts'
import { listTable } from '../lists.ts'
import { accountOf, requireHere, visibleAccounts } from '../scope.ts'
import type { Call } from '../system.ts'
import type { AccountRow } from '../world.ts'

export const newerMethods = {
  'SIMCard/get_sim_card_list': getList,
  'SIMCard/get_sim_card_info': getInfo,
  'SIMCard/activate_sim_card': activate
}

/** The first release that has them. */
const newerSince = 115

/** `MR115` is 115; 0 for a release without a number. */
const numberOf = (release: string) => Number(/\d+/.exec(release)?.[0] ?? 0)

/** Whether a release is old enough not to have a method that others have. */
export const isTooOldFor = (release: string, name: string): boolean =>
  Object.hasOwn(newerMethods, name) && numberOf(release) < newerSince

/** Every tenth account is a phone's. */
const hasCard = ({ i_account }: Pick<AccountRow, 'i_account'>) => i_account % 10 === 0

const recordOf = ({ i_account, i_customer, bill_status }: AccountRow): JsonObject => ({
  i_sim_card: i_account,
  imsi: `00101${String(i_account).padStart(10, '0')}`,
  i_account,
  i_customer,
  status: bill_status === 'O' ? 'in_use' : 'disabled'
})

function getList(call: Call): JsonObject {
  return listTable(call, {
    table: 'accounts',
    arrayKey: 'sim_card_list',
    conditions: [...visibleAccounts(call), { sql: 'i_account % 10 = 0 AND i_master_account IS NULL', args: [] }],
    orders: { i_account: false },
    recordOf
  })
}

function cardOf(call: Call): AccountRow {
  const account = accountOf(call)
  if (!hasCard(account)) throw fault('Server.Account.not_found')
  return account
}

function getInfo(call: Call): JsonObject {
  return { sim_card_info: recordOf(cardOf(call)) }
}

function activate(call: Call): JsonObject {
  requireHere(cardOf(call))
  return { success: 1 }
}

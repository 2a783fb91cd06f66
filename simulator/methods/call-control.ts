/**
 * Call control: a session sees the calls of a customer only once it has enabled notifications, and only those since.
 */
import { fault } from '../api-fault.ts'
import { intOf, type JsonObject, textOf } from '../exact-json.ts'
import { customerOf, requireHere } from '../scope.ts'
import type { SimulatedCall } from '../sessions.ts'
import type { Call } from '../system.ts'

export const callControlMethods = {
  'CallControl/enable_api_notifications': enable,
  'CallControl/disable_api_notifications': disable,
  'CallControl/get_sip_calls_list': getCalls,
  'CallControl/originate_call': originate,
  'CallControl/answer_call': (call: Call) => change(call, { state: 'connected' }),
  'CallControl/transfer_call': (call: Call) => change(call, { callee: { number: textOf(call.params.to) ?? '' } }),
  'CallControl/terminate_call': terminate
}

function idOf(call: Call): number {
  requireWorking(call)
  const id = call.session.iAccount === null ? undefined : call.session.iCustomer
  const iCustomer = id ?? customerOf(call).i_customer
  const row = call.system.data.row('customers', 'i_customer', iCustomer)
  if (row !== undefined) requireHere(row)
  return iCustomer
}

function requireWorking({ system }: Call): void {
  if (system.mode === 'standalone') throw fault('standalone_mode')
}

function enable(call: Call): JsonObject {
  const iCustomer = idOf(call)
  if (!call.session.notifications.has(iCustomer)) call.session.notifications.set(iCustomer, [])
  return { success: 1 }
}

function disable(call: Call): JsonObject {
  call.session.notifications.delete(idOf(call))
  return { success: 1 }
}

function callsOf(call: Call): SimulatedCall[] {
  const calls = call.session.notifications.get(idOf(call))
  if (calls === undefined) throw fault('Server.CallControl.sip.disabled_api_notifications')
  return calls
}

function getCalls(call: Call): JsonObject {
  if (call.realm === 'representative') throw fault('Server.CallControl.get_sip_calls_list.access_denied')
  return { calls_list: callsOf(call) }
}

/** A new call is told to every session that listens to its customer. */
function originate(call: Call): JsonObject {
  const { system, params } = call
  const iCustomer = idOf(call)
  const number = system.nextNumber()
  const made: SimulatedCall = {
    tracking_id: `${system.release} ${number}`,
    state: 'ringing',
    caller: { number: textOf(params.from) ?? '', i_account: intOf(params.i_account) ?? null },
    callee: { number: textOf(params.to) ?? '', huntgroup_id: number % 3 === 0 ? '00' : null },
    queue_info: null
  }
  for (const calls of system.sessions.listeners(iCustomer)) calls.push(made)
  return { tracking_id: made.tracking_id, success: 1 }
}

function change(call: Call, changes: Partial<SimulatedCall>): JsonObject {
  const found = callsOf(call).find(({ tracking_id }) => tracking_id === textOf(call.params.tracking_id))
  if (found === undefined) throw fault('Server.CallControl.call_not_found')
  // One object in every listening session: all of them see the change.
  Object.assign(found, changes)
  return { success: 1 }
}

function terminate(call: Call): JsonObject {
  const id = textOf(call.params.tracking_id)
  if (!callsOf(call).some(({ tracking_id }) => tracking_id === id)) throw fault('Server.CallControl.call_not_found')
  for (const calls of call.system.sessions.listeners(idOf(call))) {
    const at = calls.findIndex(({ tracking_id }) => tracking_id === id)
    if (at !== -1) calls.splice(at, 1)
  }
  return { success: 1 }
}

/**
 * Call control: a session sees the calls of a customer only once it has enabled notifications, and only those since.
 * Its WebSockets are told of each change.
 */
import { fault } from '../api-fault.ts'
import { intOf, type JsonObject, textOf } from '../exact-json.ts'
import { customerOf, requireHere } from '../scope.ts'
import type { SimulatedCall } from '../sessions.ts'
import type { Call, System } from '../system.ts'

export const callControlMethods = {
  'CallControl/enable_api_notifications': enable,
  'CallControl/disable_api_notifications': disable,
  'CallControl/get_sip_calls_list': getCalls,
  'CallControl/originate_call': originate,
  'CallControl/answer_call': (call: Call) => change(call, { state: 'connected' }),
  'CallControl/transfer_call': transfer,
  'CallControl/terminate_call': terminate
}

function idOf(call: Call): number {
  requireWorking(call.system)
  const id = call.session.iAccount === null ? undefined : call.session.iCustomer
  const iCustomer = id ?? customerOf(call).i_customer
  const row = call.system.data.row('customers', 'i_customer', iCustomer)
  if (row !== undefined) requireHere(row)
  return iCustomer
}

export function requireWorking({ mode }: System): void {
  if (mode === 'standalone') throw fault('standalone_mode')
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
  for (const { calls } of system.sessions.listeners(iCustomer)) calls.push(made)
  tell(system, iCustomer, made)
  return { tracking_id: made.tracking_id, success: 1 }
}

/** An event to the WebSockets of every session that listens to the customer. */
function tell(system: System, iCustomer: number, data: object): void {
  const event = JSON.stringify({ event: 'sip_call', data: { i_customer: iCustomer, ...data } })
  for (const { session } of system.sessions.listeners(iCustomer)) system.sockets.emit(event, { session: session.id })
}

function seenCall(call: Call): SimulatedCall {
  const id = textOf(call.params.tracking_id)
  const found = callsOf(call).find(({ tracking_id }) => tracking_id === id)
  if (found === undefined) throw fault('Server.CallControl.call_not_found')
  return found
}

function change(call: Call, changes: Partial<SimulatedCall>): JsonObject {
  // One object in every listening session: all of them see the change.
  tell(call.system, idOf(call), Object.assign(seenCall(call), changes))
  return { success: 1 }
}

/** The call goes on under a new id; the event names the old one, so that a client replaces its row. */
function transfer(call: Call): JsonObject {
  const { system, params } = call
  const found = seenCall(call)
  const previous_tracking_id = found.tracking_id
  const tracking_id = `${system.release} ${system.nextNumber()}`
  Object.assign(found, { tracking_id, callee: { number: textOf(params.to) ?? '' } })
  tell(system, idOf(call), { ...found, previous_tracking_id })
  return { tracking_id, success: 1 }
}

function terminate(call: Call): JsonObject {
  const found = seenCall(call)
  const iCustomer = idOf(call)
  for (const { calls } of call.system.sessions.listeners(iCustomer)) {
    const at = calls.indexOf(found)
    if (at !== -1) calls.splice(at, 1)
  }
  tell(call.system, iCustomer, { ...found, state: 'terminated' })
  return { success: 1 }
}

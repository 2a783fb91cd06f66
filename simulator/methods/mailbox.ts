/**
 * Voice messages of an account: three of them, with ids that contain spaces.
 */
import { type Answer, fileAnswer } from '../answers.ts'
import { fault } from '../api-fault.ts'
import { type JsonObject, textOf } from '../exact-json.ts'
import { wavOf } from '../files.ts'
import { listRows } from '../lists.ts'
import { accountOf } from '../scope.ts'
import type { Call } from '../system.ts'
import type { AccountRow } from '../world.ts'
import { isBetween } from '../xdrs.ts'

export const mailboxMethods = {
  'Account/get_mailbox_message_list': getMessages,
  'Account/get_mailbox_message_attachment': getAttachment
}

const audioTypes: Record<string, string> = { wav: 'audio/x-wav', mp3: 'audio/mpeg', au: 'audio/basic' }

function messagesOf({ i_account }: AccountRow): JsonObject[] {
  return [1, 2, 3].map((at) => ({
    message_uid: `${i_account} msg ${at}`,
    from: `1555000000${at}`,
    delivery_date: `2026-06-1${at} 09:30:00`,
    flags: at === 3 ? [] : ['Seen'],
    size: 16_044
  }))
}

function getMessages(call: Call): JsonObject {
  const rows = messagesOf(accountOf(call)).filter(({ delivery_date }) =>
    isBetween({ bill_time: delivery_date }, call.params)
  )
  return listRows(call, { arrayKey: 'messages', rows, key: 'message_uid', order: ['delivery_date', 'desc'] })
}

function getAttachment(call: Call): Answer {
  const uid = textOf(call.params.message_uid)
  const format = textOf(call.params.format) ?? 'wav'
  const type = audioTypes[format]
  const message = messagesOf(accountOf(call)).find(({ message_uid }) => message_uid === uid)
  if (message === undefined || type === undefined) throw fault('Server.CDR.not_found')
  return fileAnswer(type, `message.${format}`, wavOf(1))
}

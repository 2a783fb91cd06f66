/**
 * One-time passwords: valid only in the session that asked for them.
 */
import { fault } from '../api-fault.ts'
import { type JsonObject, textOf } from '../exact-json.ts'
import type { Call } from '../system.ts'

export const otpMethods = {
  'AccessControl/create_otp': createOtp,
  'AccessControl/verify_otp': verifyOtp
}

/** A real system mails it; this one also answers it, as nobody reads mail here. */
function createOtp({ params, session, system }: Call): JsonObject {
  const recipient = params.rec ?? params.send_to
  if (recipient === '') throw fault('Server.AccessControl.empty_rec_and_bcc')
  const number = system.data.world.hash(70, system.nextNumber()) % 1_000_000
  session.otp = { operation: textOf(params.operation) ?? '', password: String(number).padStart(6, '0') }
  return { success: 1, one_time_password: session.otp.password }
}

function verifyOtp({ params, session }: Call): JsonObject {
  const { otp } = session
  const operation = textOf(params.operation) ?? ''
  if (otp === null || otp.password !== textOf(params.one_time_password) || otp.operation !== operation) {
    throw fault('Server.AccessControl.verify_otp.wrong_password')
  }
  session.otp = null
  return { success: 1 }
}

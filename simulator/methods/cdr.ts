/**
 * Recordings and transcriptions of calls.
 */
import { type Answer, fileAnswer, textAnswer } from '../answers.ts'
import { fault } from '../api-fault.ts'
import { intOf, isSet, type JsonObject, textOf } from '../exact-json.ts'
import { wavOf } from '../files.ts'
import { isOwned } from '../scope.ts'
import type { Call } from '../system.ts'
import { xdrById } from '../xdrs.ts'

export const cdrMethods = {
  'CDR/get_call_recording': getRecording,
  'CDR/get_transcription': getTranscription
}

function getRecording(call: Call): Answer {
  const xdr = xdrById(call.system, call.params.i_xdr)
  if (xdr === undefined || !isOwned(call, intOf(xdr.i_customer) ?? 0)) throw fault('Server.CDR.not_found')
  if (call.session.iAccount !== null && call.session.iAccount !== xdr.i_account) throw fault('Server.CDR.not_found')
  return fileAnswer('audio/x-wav', `recording-${textOf(xdr.i_xdr)}.wav`, wavOf(2))
}

/** As text it comes without Content-Disposition: not every file says that it is one. */
function getTranscription({ params }: Call): JsonObject | Answer {
  const id = intOf(params.call_recording_id)
  if (id === undefined || id < 1) throw fault('Server.CDR.not_found')
  if (isSet(params.check_only)) return { available: 1 }
  const text = `Transcription of recording ${id}: grüß Gott, good day.`
  if (textOf(params.format) === 'txt') return textAnswer('text/plain; charset=UTF-8', text)
  return { call_recording_id: id, transcription: text }
}

/**
 * Commands of call control as they come in a WebSocket's text messages: each is run as the same call over HTTP, in the
 * socket's own session, and has its own journal entry.
 */
import type { IncomingMessage } from 'node:http'
import { ApiFault, fault } from './api-fault.ts'
import { executeInSession } from './calls.ts'
import { isJsonObject, type JsonObject, parseJson } from './exact-json.ts'
import { isWrite } from './methods/index.ts'
import type { RealmName } from './realms.ts'
import type { Session } from './sessions.ts'
import type { System } from './system.ts'

export interface CommandSource {
  system: System
  realm: RealmName
  session: Session
  /** The handshake's. */
  req: IncomingMessage
}

interface Command {
  command: string
  /** The client's own; it comes back with the answer. */
  id: unknown
  params: JsonObject
}

export function answerCommand(source: CommandSource, data: Buffer, isBinary: boolean): string {
  try {
    return run(source, commandIn(data, isBinary), data)
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    return JSON.stringify({ response: null, fault: { faultcode: error.faultcode, faultstring: error.message } })
  }
}

function commandIn(data: Buffer, isBinary: boolean): Command {
  const message = isBinary ? null : jsonIn(data)
  if (!isJsonObject(message)) throw fault('Client.malformed_request')
  const { command, id, params = {} } = message
  if (typeof command !== 'string' || !isJsonObject(params)) throw fault('Client.malformed_request')
  return { command, id, params }
}

function jsonIn(data: Buffer): unknown {
  try {
    return parseJson(data.toString())
  } catch {
    return null
  }
}

function run({ system, realm, session, req }: CommandSource, { command, id, params }: Command, data: Buffer): string {
  const service = 'CallControl'
  const open = system.journal.arrive({
    realm,
    httpMethod: '',
    url: req.url ?? '',
    rawHeaders: req.rawHeaders,
    service,
    method: command,
    write: isWrite(command)
  })
  open?.bodyChunk(data)
  open?.bodyEnd()
  const target = { api: 'callcontrol', service, method: command } as const
  const answer = executeInSession({ system, realm, target, content: { params, files: [] }, open }, session)
  open?.settle({ status: answer.status, aborted: false })
  const result = parseJson(String(answer.body))
  return JSON.stringify({ response: command, id, [answer.faultcode === null ? 'data' : 'fault']: result })
}

/**
 * The plain REST API beside the billing API: one resource, `/espf/v1/subscriptions`, and 401 for a bad token.
 */
import { type Answer, jsonAnswer } from './answers.ts'
import { ApiFault } from './api-fault.ts'
import { type Exchange, sessionOf } from './calls.ts'
import type { JsonObject } from './exact-json.ts'
import type { System } from './system.ts'

const resourcePath = /^\/espf\/v1\/subscriptions(?:\/(\w+))?\/?$/
const resources = new WeakMap<System, Map<string, JsonObject>>()

export function answerEspf(exchange: Exchange): Answer {
  const { system, target, req, content } = exchange
  try {
    sessionOf(exchange)
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error
    return jsonAnswer({ error: { code: 401, message: error.message } }, 401).with(['WWW-Authenticate', 'Bearer'])
  }
  const match = resourcePath.exec(target.path)
  if (match === null) return notFound()
  const kept = resources.get(system) ?? new Map<string, JsonObject>()
  resources.set(system, kept)
  const id = match[1]
  if (id === undefined) return answerCollection(system, kept, req.method, content.params)
  return answerResource(kept, id, req.method, content.params)
}

function answerCollection(system: System, kept: Map<string, JsonObject>, method: string | undefined, body: JsonObject) {
  if (method === 'GET') return jsonAnswer({ items: [...kept.values()] })
  if (method !== 'POST') return notAllowed()
  const id = `${system.role}${system.nextNumber()}`
  kept.set(id, { ...body, id })
  return jsonAnswer({ ...body, id }, 201).with(['Location', `/espf/v1/subscriptions/${id}`])
}

function answerResource(
  kept: Map<string, JsonObject>,
  id: string,
  method: string | undefined,
  body: JsonObject
): Answer {
  const found = kept.get(id)
  if (method === 'PUT') {
    kept.set(id, { ...body, id })
    return jsonAnswer({ ...body, id }, found === undefined ? 201 : 200)
  }
  if (found === undefined) return notFound()
  if (method === 'GET') return jsonAnswer(found)
  if (method !== 'DELETE') return notAllowed()
  kept.delete(id)
  return jsonAnswer({ success: 1 })
}

const notFound = () => jsonAnswer({ error: { code: 404, message: 'Not found' } }, 404)
const notAllowed = () => jsonAnswer({ error: { code: 405, message: 'Method not allowed' } }, 405)

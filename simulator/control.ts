/**
 * The control listener of the command: what tests do through the handle, another process does over HTTP. It shows
 * whole requests, credentials included, so it belongs on loopback.
 *
 *   POST   /faults        a fault rule, `match.path` as the text of a regular expression
 *   DELETE /faults        removes them all
 *   GET    /journal?after=SEQ   entries after that one, bodies as text
 *   POST   /mode          {"mode": "read_only"}
 *   POST   /export        {"i_customer": 7, "events"?: URL}: marks it exported, answers the bundle
 *   POST   /import        the bundle, "events" likewise: the customer lives here from now on
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { intOf, isJsonObject, type JsonObject, parseJson } from './exact-json.ts'
import type { FaultMatch, FaultRule, JournalEntry, OperatingMode, Simulator } from './index.ts'
import { type CustomerBundle, sendEvents } from './move.ts'

type Handler = (simulator: Simulator, body: JsonObject, url: URL) => JsonObject | Promise<JsonObject>

const modes: readonly OperatingMode[] = ['normal', 'secondary', 'standalone', 'read_only', 'reserve_down']

const handlers: Record<string, Handler> = {
  'POST /faults': addFault,
  'DELETE /faults': (simulator) => {
    simulator.faults.clear()
    return { success: 1 }
  },
  'GET /journal': readJournal,
  'POST /mode': setMode,
  'POST /export': exportOne,
  'POST /import': importOne
}

export interface Control {
  readonly url: string
  close(): Promise<void>
}

export async function startControl(simulator: Simulator, host: string, port: number): Promise<Control> {
  const server = createServer(async function onControl(req, res) {
    const url = new URL(req.url ?? '/', 'http://control')
    const handler = handlers[`${req.method} ${url.pathname}`]
    let status = handler === undefined ? 404 : 200
    let answer: JsonObject = { error: 'not found' }
    try {
      const body = await bodyOf(req)
      if (handler !== undefined) answer = await handler(simulator, body, url)
    } catch (error) {
      status = 400
      answer = { error: error instanceof Error ? error.message : String(error) }
    }
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

function addFault({ faults }: Simulator, body: JsonObject): JsonObject {
  if (!isJsonObject(body.fault) || typeof body.fault.kind !== 'string') throw new Error('fault.kind is missing')
  const match = isJsonObject(body.match) ? body.match : {}
  const path = typeof match.path === 'string' ? { path: new RegExp(match.path) } : {}
  const times = intOf(body.times)
  faults.add({
    match: { ...match, ...path } as FaultMatch,
    fault: body.fault as unknown as FaultRule['fault'],
    ...(times === undefined ? {} : { times })
  })
  return { success: 1 }
}

function readJournal({ journal }: Simulator, _body: JsonObject, url: URL): JsonObject {
  const after = intOf(url.searchParams.get('after')) ?? 0
  return { entries: journal.entries.filter(({ seq }) => seq > after).map(shown) }
}

function shown({ body, ...entry }: JournalEntry): JsonObject {
  return { ...entry, body: body.toString() }
}

function setMode(simulator: Simulator, { mode }: JsonObject): JsonObject {
  const found = modes.find((known) => known === mode)
  if (found === undefined) throw new Error(`mode is one of ${modes.join(', ')}`)
  simulator.mode = found
  return { success: 1 }
}

async function exportOne(simulator: Simulator, { i_customer, events }: JsonObject): Promise<JsonObject> {
  const id = intOf(i_customer)
  if (id === undefined) throw new Error('i_customer is missing')
  const bundle = simulator.exportCustomer(id)
  if (typeof events === 'string') await sendEvents(new URL(events), 'Exported', bundle)
  return { ...bundle }
}

async function importOne(simulator: Simulator, { customer, accounts, events }: JsonObject): Promise<JsonObject> {
  if (!isJsonObject(customer) || !Array.isArray(accounts)) throw new Error('this is not what /export answers')
  const bundle = { customer, accounts } as unknown as CustomerBundle
  simulator.importCustomer(bundle)
  if (typeof events === 'string') await sendEvents(new URL(events), 'Imported', bundle)
  return { success: 1 }
}

async function bodyOf(req: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  if (chunks.length === 0) return {}
  const body = parseJson(Buffer.concat(chunks).toString())
  if (!isJsonObject(body)) throw new Error('the body is a JSON object')
  return body
}

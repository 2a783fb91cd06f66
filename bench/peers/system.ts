/**
 * One simulated system for the lists: no journal; it counts what it is asked and what it gives.
 * Arguments: its role, and how many customers and accounts both systems have together; no accounts when left out.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { scanList } from '../../core/rows.ts'
import { startSimulator } from '../../simulator/index.ts'
import { reportReady } from './reporting.ts'

/** Calls since the last question about them, and the rows of their answers. */
export interface Given {
  readonly calls: number
  readonly rows: number
}

/** The gateway asks by itself, at any time, whether a system is there. */
const probe = '/rest/Generic/get_version'

const [role, customers, accounts = 0] = process.argv.slice(2)
let bodies: Buffer[] = []

/** Rows are counted when somebody asks: not while a page is measured. */
function takeGiven(): Given {
  const taken = bodies
  bodies = []
  const rows = taken.map((body) => scanList(body, 'customer_list', '', '')?.rows.length ?? 0)
  return { calls: taken.length, rows: rows.reduce((sum, one) => sum + one, 0) }
}

subscribe('http.server.request.start', (message) => {
  const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse }
  if (request.url === probe) return
  const end = response.end.bind(response) as (body: Buffer) => ServerResponse
  response.end = ((body: Buffer) => {
    bodies.push(body)
    return end(body)
  }) as typeof response.end
})

const simulator = await startSimulator({
  release: role === 'source' ? 'MR100' : 'MR115',
  role: role === 'source' ? 'source' : 'target',
  customers: Number(customers),
  accounts: Number(accounts),
  tokenLifetimeSeconds: 86_400
})
simulator.journal.recording = false
reportReady(
  { admin: Number(new URL(simulator.urls.admin).port) },
  { admin: () => simulator.users.admin(), given: takeGiven }
)

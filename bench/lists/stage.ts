/**
 * Two systems with a world of customers between them, the gateway before both, and an administrator logged in on each.
 */
import { openSocket, readAnswer } from '../answers.ts'
import type { Child, Crew } from '../children.ts'
import type { Usage } from '../peers/reporting.ts'
import type { Given } from '../peers/system.ts'
import { adminHost, jsonRequest } from '../wire.ts'

export interface Customer {
  readonly i_customer: number
  readonly name: string
  readonly bill_status: string
}

export interface Page {
  readonly body: Buffer
  /** From the request's first byte to the answer's last. */
  readonly ms: number
}

export interface Client {
  list(params: object): Promise<Page>
}

export interface Stage {
  readonly gateway: Child
  readonly systems: readonly Child[]
  /** The administrator at the gateway, and at each system. */
  readonly merged: Client
  readonly source: Client
  readonly target: Client
}

type Port = number | undefined

/** A million customers take 10 to 20 s each when both systems make theirs at once. */
const seedingMs = 180_000

export const customersOf = ({ body }: Page): Customer[] =>
  (JSON.parse(body.toString()) as { readonly customer_list: Customer[] }).customer_list

/** What the gateway's process has used, to the microsecond: /proc counts in steps of 10 ms. */
export const usageOf = async ({ gateway }: Stage) => (await gateway.ask('usage')) as Usage

/** What the systems have given since they were asked last, both together. */
export async function takeGiven({ systems }: Stage): Promise<Given> {
  const parts = (await Promise.all(systems.map((system) => system.ask('given')))) as Given[]
  return parts.reduce((sum, { calls, rows }) => ({ calls: sum.calls + calls, rows: sum.rows + rows }))
}

/** One keep-alive connection: what an answer costs is measured, not what a connection costs. */
async function openClient(port: Port, user: object): Promise<Client> {
  const socket = await openSocket(port ?? 0)
  let headers: readonly string[] = []

  async function call(name: string, params: object): Promise<Page> {
    const chunks: Buffer[] = []
    const start = performance.now()
    socket.write(jsonRequest(`/rest/${name}`, headers, JSON.stringify({ params }), adminHost))
    const { status, bodyBytes } = await readAnswer(socket, (chunk) => chunks.push(chunk))
    const ms = performance.now() - start
    const bytes = Buffer.concat(chunks)
    const body = bytes.subarray(bytes.length - bodyBytes)
    if (status === 200) return { body, ms }
    throw new Error(`${name} ${JSON.stringify(params)}: status ${status}: ${body.toString().slice(0, 500)}`)
  }

  const { body } = await call('Session/login', user)
  const { access_token: token } = JSON.parse(body.toString()) as { readonly access_token: string }
  headers = [`Authorization: Bearer ${token}`]
  return { list: (params) => call('Customer/get_customer_list', params) }
}

export async function startStage(crew: Crew, customers: number): Promise<Stage> {
  const startSystem = (role: string) => crew.start('peers/system.ts', [role, String(customers)], seedingMs)
  const [sourceSystem, targetSystem] = await Promise.all([startSystem('source'), startSystem('target')])
  const ports = [sourceSystem.ports.admin, targetSystem.ports.admin]
  const gateway = await crew.start('peers/gateway.ts', ports.map(String))
  const { login, password } = (await sourceSystem.ask('admin')) as { login: string; password: string }
  const clientAt = (port: Port) => openClient(port, { login, password })
  return {
    gateway,
    systems: [sourceSystem, targetSystem],
    merged: await clientAt(gateway.ports.http),
    source: await clientAt(sourceSystem.ports.admin),
    target: await clientAt(targetSystem.ports.admin)
  }
}

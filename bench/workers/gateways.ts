/**
 * Gateways with one worker and with two, and what is called on them.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../fleet/ports.ts'
import { askOnce } from '../answers.ts'
import type { Crew } from '../children.ts'
import { adminHost, adminLoginRequest, cookieRequest, host, jsonRequest } from '../wire.ts'
import { adminToken, pageRows, type SystemPorts, untilOpen } from './systems.ts'

const gatewayFile = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url))

const gatewayConfig = (port: number, opsPort: number, systems: SystemPorts, store: string) => `
listen: [{ host: 127.0.0.1, port: ${port} }]
ops: { port: ${opsPort} }
store: file:${store}
secret: a secret that is only good for benchmarks
realms: { customer: { hosts: [${host}] }, admin: { hosts: [${adminHost}] } }
limits: { eventLoopDelay: 0 }
systems:
  source: { release: MR100, url: http://127.0.0.1:${systems.source}, health: false }
  target: { release: MR115, url: http://127.0.0.1:${systems.target}, health: false }
`

const listPath = '/rest/Customer/get_customer_list'
const listRequest = jsonRequest(
  listPath,
  [`Authorization: Bearer ${adminToken}`],
  `{"params":{"limit":${pageRows}}}`,
  adminHost
)

/** What is called. */
export const calls = [
  { name: 'a merged list of 20 customers', request: listRequest },
  { name: 'a source customer’s call by its routing cookie', request: cookieRequest }
] as const

export type Call = (typeof calls)[number]

export interface Running {
  readonly port: number
  /** Of all its processes, since they were started. */
  cpuSeconds(): number
}

/** Clock ticks of 1/100 s, whatever the kernel's own are (proc_pid_stat(5)). */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number)

/** One that has answered each call, and knows the administrator. */
export async function startGateway(
  crew: Crew,
  directory: string,
  workers: number,
  systems: SystemPorts
): Promise<Running> {
  const [port = 0, opsPort = 0] = await freePorts(2)
  const file = join(directory, `workers-${workers}.yaml`)
  writeFileSync(file, gatewayConfig(port, opsPort, systems, join(directory, `workers-${workers}.db`)))
  const args = [gatewayFile, '--config', file, '--workers', String(workers)]
  const gateway = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  crew.adopt(gateway)
  await untilOpen(port)
  await askOnce(port, adminLoginRequest)
  const page = JSON.parse(await askOnce(port, listRequest)) as { customer_list?: { i_customer: number }[] }
  const ids = page.customer_list?.map((row) => row.i_customer)
  const answer = await askOnce(port, cookieRequest)
  const isPage = ids?.length === pageRows && ids.every((id, at) => id === at + 1)
  if (!isPage || !answer.startsWith('{"system":"source"')) throw new Error(`workers: ${workers}: a wrong answer`)
  const { pid = 0 } = gateway
  return { port, cpuSeconds: () => [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuSecondsOf(one), 0) }
}

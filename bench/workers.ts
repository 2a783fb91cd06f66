/**
 * What a second worker is worth: requests per second of `workers: 2` against `workers: 1`, and in the same rounds what two
 * processes are worth that only count. The load, the systems and the gateway share the machine, so both are as cheap as
 * can be: wrk, and an haproxy that answers by itself. They still take a good part of two cores, so what is judged is what
 * the CPU that two workers need for a request, their supervisor's included, makes of two cores of their own.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type System, systemNames } from '../core/words.ts'
import { askOnce, openSocket } from './answers.ts'
import { type Crew, createCrew } from './children.ts'
import { findTool, freePort } from './peers/tools.ts'
import { medianOf, spreadOf, surroundings, tableOf } from './table.ts'
import type { TurnOptions } from './turns.ts'
import {
  accessToken,
  adminHost,
  adminLoginRequest,
  answerBytes,
  cookieRequest,
  host,
  jsonRequest,
  sourceToken
} from './wire.ts'

const goal = 1.7
/** Where two processes that only count are worth less, no second worker has a core of its own. */
const leastCeiling = 1.8
/** Fewer say nothing: a shared machine is too noisy. */
const judgedRounds = 5
const startMs = 60_000
const run = promisify(execFile)
const gatewayFile = fileURLToPath(new URL('../gateway/main.ts', import.meta.url))

/** Where the two systems listen. */
type SystemPorts = Readonly<Record<System, number>>

const pageRows = 20
/** Every other customer is the target's. */
const rowsOf = (system: System) =>
  Array.from({ length: pageRows }, (_none, at) => ({
    i_customer: 2 * at + (system === 'source' ? 1 : 2),
    name: `Customer ${at}`,
    filler: 'x'.repeat(150)
  }))

/** What the target calls an administrator's session; the customer's of the other call is somebody else's. */
const adminToken = accessToken.split('').toReversed().join('')

const sessionOf = (system: System) => ({
  session_id: system,
  access_token: system === 'source' ? sourceToken : adminToken,
  refresh_token: `${system} refresh`,
  expires_in: 86_400
})

const answering = (value: object, condition = '') =>
  `  http-request return status 200 content-type application/json string '${JSON.stringify(value)}'${condition}`

const systemConfig = (ports: SystemPorts) => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-buffer-request
  timeout connect 5s
  timeout client 1m
  timeout server 1m
${systemNames
  .map((system) =>
    [
      `frontend ${system}`,
      `  bind 127.0.0.1:${ports[system]}`,
      answering(sessionOf(system), ' if { path /rest/Session/login }'),
      answering({ customer_list: rowsOf(system) }, ' if { path /rest/Customer/get_customer_list }'),
      answering({ system, filler: 'x'.repeat(answerBytes - 33) })
    ].join('\n')
  )
  .join('\n')}
`

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
const calls = [
  { name: 'a merged list of 20 customers', request: listRequest },
  { name: 'a source customer’s call by its routing cookie', request: cookieRequest }
] as const

type Call = (typeof calls)[number]

/** The same request as wrk's own script has it. */
function scriptOf({ request }: Call): string {
  const [head = '', body = ''] = request.toString().split('\r\n\r\n')
  const [line = '', ...headers] = head.split('\r\n')
  const told = headers.filter((header) => !header.startsWith('Content-Length'))
  return [
    'wrk.method = "POST"',
    `wrk.path = "${line.split(' ')[1]}"`,
    ...told.map((header) => `wrk.headers["${header.split(': ', 1)[0]}"] = "${header.slice(header.indexOf(': ') + 2)}"`),
    `wrk.body = [[${body}]]`
  ].join('\n')
}

async function untilOpen(port: number) {
  const by = performance.now() + startMs
  for (;;) {
    try {
      const socket = await openSocket(port)
      socket.destroy()
      return
    } catch (error) {
      if (performance.now() > by) throw error
      await delay(50)
    }
  }
}

interface Running {
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
async function startGateway(crew: Crew, directory: string, workers: number, systems: SystemPorts): Promise<Running> {
  const [port, opsPort] = [await freePort(), await freePort()]
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

async function loadBy(wrk: string, file: string, port: number, { seconds, connections }: TurnOptions): Promise<number> {
  const args = ['-t', '1', '-c', String(connections), '-d', `${Math.ceil(seconds)}s`, '-s', file]
  const { stdout } = await run(wrk, [...args, `http://127.0.0.1:${port}`])
  const wrong = /Non-2xx.*|Socket errors.*/.exec(stdout)
  if (wrong !== null) throw new Error(`wrk: ${wrong[0]}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

/** Counts for so long, and says how far it came. */
const counting = (ms: number) => `
let rounds = 0
let sum = 0
const end = performance.now() + ${ms}
while (performance.now() < end) {
  for (let at = 0; at < 1e6; at++) sum = (sum * 31 + at) | 0
  rounds++
}
process.stdout.write(String(rounds + (sum & 0)))`

async function countBy(processes: number, seconds: number): Promise<number> {
  const each = Array.from({ length: processes }, () => run(process.execPath, ['-e', counting(seconds * 1000)]))
  return (await Promise.all(each)).reduce((sum, { stdout }) => sum + Number(stdout), 0)
}

interface Turn {
  readonly perSecond: number
  /** Of the gateway's processes. */
  readonly cpuMicroseconds: number
}

interface Figures {
  readonly one: Turn[]
  readonly two: Turn[]
  readonly ratio: number[]
  /** Two workers with two cores to themselves, against one worker. */
  readonly alone: number[]
  readonly ceiling: number[]
}

async function turnOf({ port, cpuSeconds }: Running, load: (port: number) => Promise<number>): Promise<Turn> {
  const [cpu, begun] = [cpuSeconds(), performance.now()]
  const perSecond = await load(port)
  const requests = (perSecond * (performance.now() - begun)) / 1000
  return { perSecond, cpuMicroseconds: ((cpuSeconds() - cpu) * 1e6) / requests }
}

async function measure(
  load: (port: number) => Promise<number>,
  gateways: readonly [Running, Running],
  options: TurnOptions
) {
  const figures: Figures = { one: [], two: [], ratio: [], alone: [], ceiling: [] }
  // A single round is for whoever wants to see that it works.
  for (let round = options.rounds > 1 ? 0 : 1; round <= options.rounds; round++) {
    const isEven = round % 2 === 0
    const first = await turnOf(gateways[isEven ? 0 : 1], load)
    const second = await turnOf(gateways[isEven ? 1 : 0], load)
    const [one, two] = isEven ? [first, second] : [second, first]
    const ceiling = (await countBy(2, options.seconds)) / (await countBy(1, options.seconds))
    // The first one only warms up.
    if (round === 0) continue
    figures.one.push(one)
    figures.two.push(two)
    figures.ratio.push(two.perSecond / one.perSecond)
    figures.alone.push(2e6 / two.cpuMicroseconds / one.perSecond)
    figures.ceiling.push(ceiling)
  }
  return figures
}

/** What speaks against a verdict; null when nothing does. */
function whyUnjudged({ ratio, ceiling }: Figures): string | null {
  if (ratio.length < judgedRounds) return `not judged below ${judgedRounds} rounds`
  const worth = medianOf(ceiling)
  return worth < leastCeiling
    ? `not judged: two processes were worth ${worth.toFixed(2)} of one, others use the cores`
    : null
}

function judge(figures: Figures, print: (text: string) => void): boolean {
  const ratio = medianOf(figures.alone)
  const why = whyUnjudged(figures)
  const isJudged = why === null
  const verdict = why ?? (ratio >= goal ? 'reached' : 'MISSED')
  print(`\ngoal ${goal} x one worker, on two cores: ${ratio.toFixed(2)}, ${verdict}`)
  return !isJudged || ratio >= goal
}

function show({ name }: Call, { one, two, ratio, alone, ceiling }: Figures, print: (text: string) => void) {
  const columnsOf = (turns: readonly Turn[]) => [
    spreadOf(
      turns.map(({ perSecond }) => perSecond),
      0
    ),
    spreadOf(
      turns.map(({ cpuMicroseconds }) => cpuMicroseconds),
      0
    )
  ]
  const rows = [
    ['workers: 1', ...columnsOf(one), '1'],
    ['workers: 2', ...columnsOf(two), spreadOf(ratio, 2)],
    ['workers: 2, with two cores of their own', '', '', spreadOf(alone, 2)],
    ['two processes that count, against one', '', '', spreadOf(ceiling, 2)]
  ]
  print(`\n${tableOf([name, 'requests/s', 'CPU us/request', 'x one'], rows)}`)
}

/** Gives false when the goal is missed; throws when an answer is wrong. */
export async function benchWorkers(options: TurnOptions, print: (text: string) => void): Promise<boolean> {
  const { seconds, rounds, connections } = options
  print(
    `\n# workers\n${surroundings('workers', `--seconds ${seconds} --rounds ${rounds} --connections ${connections}`)}`
  )
  const [wrk, haproxy] = [findTool('wrk'), findTool('haproxy')]
  if (wrk === null || haproxy === null) {
    print(`${wrk === null ? 'wrk' : 'haproxy'}: absent, so nothing was measured`)
    return true
  }
  const directory = mkdtempSync(join(tmpdir(), 'bench-workers-'))
  const crew = createCrew()
  try {
    const systems = { source: await freePort(), target: await freePort() }
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(file, systemConfig(systems))
    crew.adopt(spawn(haproxy, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] }))
    await Promise.all([untilOpen(systems.source), untilOpen(systems.target)])
    const gateways = [
      await startGateway(crew, directory, 1, systems),
      await startGateway(crew, directory, 2, systems)
    ] as const
    print('load (wrk) and systems (haproxy) are on the same machine; median (least-most) of the rounds')
    let isFine = true
    for (const call of calls) {
      const script = join(directory, 'call.lua')
      writeFileSync(script, scriptOf(call))
      const figures = await measure((port) => loadBy(wrk, script, port, options), gateways, options)
      show(call, figures, print)
      isFine = judge(figures, print) && isFine
    }
    return isFine
  } finally {
    await crew.dismiss()
    rmSync(directory, { recursive: true })
  }
}

/**
 * What a second worker is worth: requests per second of `workers: 2` against `workers: 1`, and in the same rounds what two
 * processes are worth that only count. The load, the system and the gateway share the machine, so both are as cheap as
 * can be: wrk, and an haproxy that answers by itself.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { askOnce, openSocket } from './answers.ts'
import { type Crew, createCrew } from './children.ts'
import { findTool, freePort } from './peers/tools.ts'
import { medianOf, spreadOf, surroundings, tableOf } from './table.ts'
import type { TurnOptions } from './turns.ts'
import { answerBytes, cookieHeader, cookieRequest, host } from './wire.ts'

const goal = 1.7
/** Where two processes that only count are worth less, no second worker has a core of its own. */
const leastCeiling = 1.8
/** Fewer say nothing: a shared machine is too noisy. */
const judgedRounds = 5
const startMs = 60_000
const run = promisify(execFile)
const gatewayFile = fileURLToPath(new URL('../gateway/main.ts', import.meta.url))

const systemConfig = (port: number) => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-buffer-request
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend system
  bind 127.0.0.1:${port}
  http-request return status 200 content-type application/json string '{"system":"source","filler":"${'x'.repeat(answerBytes - 33)}"}'
`

const gatewayConfig = (port: number, opsPort: number, system: number, store: string) => `
listen: [{ host: 127.0.0.1, port: ${port} }]
ops: { port: ${opsPort} }
store: file:${store}
secret: a secret that is only good for benchmarks
realms: { customer: { hosts: [${host}] } }
limits: { eventLoopDelay: 0 }
systems:
  source: { release: MR100, url: http://127.0.0.1:${system}, health: false }
  target: { release: MR115, url: http://127.0.0.1:${system}, health: false }
`

const requestBody = cookieRequest.toString().split('\r\n\r\n')[1] ?? ''
const script = `
wrk.method = "POST"
wrk.headers["Host"] = "${host}"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["${cookieHeader.split(': ')[0]}"] = "${cookieHeader.split(': ')[1]}"
wrk.body = [[${requestBody}]]
`

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

async function startGateway(crew: Crew, directory: string, workers: number, system: number): Promise<number> {
  const [port, opsPort] = [await freePort(), await freePort()]
  const file = join(directory, `workers-${workers}.yaml`)
  writeFileSync(file, gatewayConfig(port, opsPort, system, join(directory, `workers-${workers}.db`)))
  const args = [gatewayFile, '--config', file, '--workers', String(workers)]
  crew.adopt(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }))
  await untilOpen(port)
  const answer = await askOnce(port, cookieRequest)
  if (!answer.startsWith('{"system":"source"')) throw new Error(`workers: ${workers}: a wrong answer`)
  return port
}

async function loadBy(wrk: string, file: string, port: number, { seconds, connections }: TurnOptions): Promise<number> {
  const args = ['-t', '1', '-c', String(connections), '-d', `${Math.ceil(seconds)}s`, '-s', file]
  const { stdout } = await run(wrk, [...args, `http://127.0.0.1:${port}/rest/Customer/get_customer_info`])
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

interface Figures {
  readonly one: number[]
  readonly two: number[]
  readonly ratio: number[]
  readonly ceiling: number[]
}

async function measure(
  load: (port: number) => Promise<number>,
  ports: readonly [number, number],
  options: TurnOptions
) {
  const figures: Figures = { one: [], two: [], ratio: [], ceiling: [] }
  for (let round = 0; round <= options.rounds; round++) {
    const isEven = round % 2 === 0
    const first = await load(ports[isEven ? 0 : 1])
    const second = await load(ports[isEven ? 1 : 0])
    const [one, two] = isEven ? [first, second] : [second, first]
    const ceiling = (await countBy(2, options.seconds)) / (await countBy(1, options.seconds))
    // The first one only warms up.
    if (round === 0) continue
    figures.one.push(one)
    figures.two.push(two)
    figures.ratio.push(two / one)
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
  const ratio = medianOf(figures.ratio)
  const why = whyUnjudged(figures)
  const isJudged = why === null
  const verdict = why ?? (ratio >= goal ? 'reached' : 'MISSED')
  print(`\ngoal ${goal} x one worker: ${ratio.toFixed(2)}, ${verdict}`)
  return !isJudged || ratio >= goal
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
    const system = await freePort()
    const files = { system: join(directory, 'haproxy.cfg'), script: join(directory, 'call.lua') }
    writeFileSync(files.system, systemConfig(system))
    writeFileSync(files.script, script)
    crew.adopt(spawn(haproxy, ['-db', '-f', files.system], { stdio: ['ignore', 'ignore', 'inherit'] }))
    await untilOpen(system)
    const ports = [
      await startGateway(crew, directory, 1, system),
      await startGateway(crew, directory, 2, system)
    ] as const
    print('load (wrk) and system (haproxy) are on the same machine; median (least-most) of the rounds\n')
    const figures = await measure((port) => loadBy(wrk, files.script, port, options), ports, options)
    const { one, two, ratio, ceiling } = figures
    const rows = [
      ['workers: 1', spreadOf(one, 0), '1'],
      ['workers: 2', spreadOf(two, 0), spreadOf(ratio, 2)],
      ['two processes that count, against one', '', spreadOf(ceiling, 2)]
    ]
    print(tableOf(['a source customer’s call by its routing cookie', 'requests/s', 'x one'], rows))
    return judge(figures, print)
  } finally {
    await crew.dismiss()
    rmSync(directory, { recursive: true })
  }
}

/**
 * What open consoles cost: two gateways under the same light load at the same time, one of them with many consoles open.
 * Calls, faults and moves go on all the while, so that each second has something to tell.
 */
import http, { type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { askOnce, openSocket, readAnswer } from './answers.ts'
import { type Child, type Crew, createCrew } from './children.ts'
import { meanOf, surroundings, tableOf } from './table.ts'
import { adminHost, bearerRequest, headOf, loginRequest } from './wire.ts'

export interface ConsolesOptions {
  readonly consoles: number
  readonly seconds: number
}

/** Most that all of them may cost together, of one core. */
const cpuLimit = 0.05
/** Most that the memory may rise from the first third of the time to the last, beyond what it does without consoles, MB. */
const riseLimit = 8
/** A shorter run says nothing about limits. */
const judgedSeconds = 60
const warmUpSeconds = 3
const samples = 30
const megabyte = 1 << 20

/** The load: so many connections, each with a request in so many ms. */
const connections = 10
const everyMs = 100
/** Of this host there is no realm: each answer is a fault, and a row among the faults. */
const strangersRequest = Buffer.from(headOf({ method: 'GET', path: '/', headers: [], to: `x${adminHost}` }))

interface Load {
  stop(): Promise<void>
}

async function tellMoves(ops: string, signal: AbortSignal) {
  for (let iCustomer = 1; !signal.aborted; iCustomer++) {
    for (const state of ['started', 'finished']) {
      const body = JSON.stringify({ i_customer: iCustomer, state, to: 'target' })
      const { status } = await fetch(`${ops}/migrations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body
      })
      if (status !== 200) throw new Error(`a move was answered with ${status}`)
    }
    await delay(1000, undefined, { signal }).catch(() => {})
  }
}

async function send(port: number, at: number, signal: AbortSignal) {
  const socket = await openSocket(port)
  const ignore = () => {}
  try {
    await delay((at * everyMs) / connections)
    for (let count = 0; !signal.aborted; count++) {
      socket.write(count % 20 === at ? strangersRequest : bearerRequest)
      await readAnswer(socket, ignore)
      await delay(everyMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    socket.destroy()
  }
}

function startLoad({ ports }: Child): Load {
  const over = new AbortController()
  const { signal } = over
  const sending = Array.from({ length: connections }, (_none, at) => send(ports.http ?? 0, at, signal))
  const all = Promise.all([...sending, tellMoves(opsOf(ports), signal)])
  // Its failure is told at the end.
  all.catch(() => {})
  return {
    async stop() {
      over.abort()
      await all
    }
  }
}

const opsOf = (ports: Child['ports']) => `http://127.0.0.1:${ports.ops}`

interface Console {
  /** How often it has heard of the systems: once a second. */
  readonly heard: number
  readonly bytes: number
  close(): void
}

async function openConsole(ops: string): Promise<Console> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = http.get(`${ops}/console/events`, { agent: false }, resolve).on('error', reject)
  const response = await promise
  if (response.statusCode !== 200) throw new Error(`a console was answered with ${response.statusCode}`)
  let heard = 0
  let bytes = 0
  response.on('error', () => {})
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (chunk.includes('event: systems\n')) heard++
  })
  return {
    get heard() {
      return heard
    },
    get bytes() {
      return bytes
    },
    close: () => request.destroy()
  }
}

async function startGateway(crew: Crew, systems: readonly string[]): Promise<Child> {
  const child = await crew.start('peers/gateway.ts', systems)
  await askOnce(child.ports.http ?? 0, loginRequest)
  return child
}

interface Sample {
  readonly seconds: number
  /** Of the gateway with consoles, and of the one without. */
  readonly cpu: readonly [number, number]
  readonly megabytes: readonly [number, number]
}

async function sampleOf(peers: readonly [Child, Child], seconds: number): Promise<Sample> {
  const [one, other] = await Promise.all([peers[0].usage(), peers[1].usage()])
  return {
    seconds,
    cpu: [one.cpuMicroseconds / 1e6, other.cpuMicroseconds / 1e6],
    megabytes: [one.residentBytes / megabyte, other.residentBytes / megabyte]
  }
}

async function measure(peers: readonly [Child, Child], { consoles, seconds }: ConsolesOptions) {
  const ops = opsOf(peers[0].ports)
  const open = await Promise.all(Array.from({ length: consoles }, () => openConsole(ops)))
  const begunAt = performance.now()
  const taken = [await sampleOf(peers, 0)]
  for (let at = 1; at <= samples; at++) {
    const passed = (performance.now() - begunAt) / 1000
    await delay(Math.max((seconds * at) / samples - passed, 0) * 1000)
    taken.push(await sampleOf(peers, (performance.now() - begunAt) / 1000))
  }
  const least = Math.min(...open.map(({ heard }) => heard))
  const bytes = meanOf(open.map((one) => one.bytes))
  for (const one of open) one.close()
  if (least < seconds * 0.8 - 1) throw new Error(`a console has heard ${least} times in ${seconds} s`)
  return { taken, bytes }
}

/** How much more the first gateway's memory rose than the other's, MB. */
export function riseOf(taken: readonly Pick<Sample, 'megabytes'>[]): number {
  const third = Math.ceil(taken.length / 3)
  const mean = (some: readonly Pick<Sample, 'megabytes'>[], which: 0 | 1) =>
    meanOf(some.map(({ megabytes }) => megabytes[which]))
  const [first, last] = [taken.slice(0, third), taken.slice(-third)]
  return mean(last, 0) - mean(first, 0) - (mean(last, 1) - mean(first, 1))
}

/** What all consoles cost together, of one core. */
export function shareOf(taken: readonly Pick<Sample, 'cpu' | 'seconds'>[]): number {
  const [first, last] = [taken[0], taken.at(-1)]
  if (first === undefined || last === undefined) return Number.NaN
  const spent = (which: 0 | 1) => last.cpu[which] - first.cpu[which]
  return (spent(0) - spent(1)) / (last.seconds - first.seconds)
}

const shownAt = (taken: readonly Sample[]) => taken.filter((_sample, at) => at % (samples / 10) === 0)

function judge(taken: readonly Sample[], seconds: number, print: (text: string) => void): boolean {
  const share = shareOf(taken)
  const rise = riseOf(taken)
  const isJudged = seconds >= judgedSeconds
  const verdict = (isKept: boolean) => (isJudged ? (isKept ? 'kept' : 'PASSED') : `not judged below ${judgedSeconds} s`)
  print(`\nlimit ${cpuLimit * 100}% of one core: ${(share * 100).toFixed(2)}%, ${verdict(share < cpuLimit)}`)
  print(`limit ${riseLimit} MB of growing memory: ${rise.toFixed(1)} MB, ${verdict(rise < riseLimit)}`)
  return !isJudged || (share < cpuLimit && rise < riseLimit)
}

/** Gives false when consoles cost more than they may; throws when one of them does not hear. */
export async function benchConsoles(options: ConsolesOptions, print: (text: string) => void): Promise<boolean> {
  const { consoles, seconds } = options
  print(`\n# consoles\n${surroundings('consoles', `--consoles ${consoles} --seconds ${seconds}`)}\n`)
  const crew = createCrew()
  try {
    const { ports } = await crew.start('upstream.ts', [])
    const systems = [String(ports.source), String(ports.target)]
    const peers = [await startGateway(crew, systems), await startGateway(crew, systems)] as const
    const loads = peers.map(startLoad)
    await delay(Math.min(warmUpSeconds, seconds) * 1000)
    const { taken, bytes } = await measure(peers, options)
    await Promise.all(loads.map((load) => load.stop()))
    const rows = shownAt(taken).map(({ seconds: at, cpu, megabytes }) =>
      [at, ...cpu, ...megabytes].map((value, column) => value.toFixed(column === 0 ? 0 : 1))
    )
    print(
      tableOf(['s', `CPU s, ${consoles} consoles`, 'CPU s, none', `RSS MB, ${consoles} consoles`, 'RSS MB, none'], rows)
    )
    print(`\neach console was sent ${(bytes / seconds / 1024).toFixed(1)} KiB a second`)
    return judge(taken, seconds, print)
  } finally {
    await crew.dismiss()
  }
}

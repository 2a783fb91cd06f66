/**
 * Peers that take turns under the same load, each in a process of its own: what a request costs each of them. Compare
 * within one run.
 */
import { askOnce } from './answers.ts'
import type { Listening } from './children.ts'
import { openLoad } from './load.ts'
import { medianOf, spreadOf, tableOf } from './table.ts'

export interface TurnOptions {
  readonly seconds: number
  readonly rounds: number
  readonly connections: number
}

export interface Peer {
  readonly name: string
  readonly child: Listening
  readonly port: number
  readonly request: Buffer
}

export interface Turn {
  readonly cpuMicroseconds: number
  readonly perSecond: number
  readonly p99Ms: number
}

export type Turns = ReadonlyMap<Peer, readonly Turn[]>

/** What everything else is compared with. */
export const baseline = '@fastify/http-proxy, bare'
/** Part of a turn's time that a peer gets to warm up before it is measured. */
const warmUp = 0.2
/** Fewer say nothing about a limit: a shared machine is too noisy. */
const judgedRounds = 5

export const peerOf = (name: string, child: Listening, request: Buffer): Peer => ({
  name,
  child,
  port: child.ports.http ?? 0,
  request
})

/** Fails the run when a call does not go where the row's name says. */
export async function expectSystem({ name, port, request }: Peer, system: string) {
  const text = await askOnce(port, request)
  if (!text.startsWith(`{"system":"${system}"`)) throw new Error(`${name}: the call did not go to the ${system}`)
}

async function measure({ name, child, port, request }: Peer, options: TurnOptions): Promise<Turn> {
  const load = await openLoad(port, request, options.connections)
  try {
    await load.run(options.seconds * warmUp)
    const before = await child.usage()
    const { requests, seconds, p99Ms } = await load.run(options.seconds)
    const after = await child.usage()
    const cpuMicroseconds = (after.cpuMicroseconds - before.cpuMicroseconds) / requests
    return { cpuMicroseconds, perSecond: requests / seconds, p99Ms }
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
  } finally {
    load.close()
  }
}

/** Every peer once per round, beginning with another one each time; the first round only warms up. */
export async function runRounds(peers: readonly Peer[], options: TurnOptions): Promise<Map<Peer, Turn[]>> {
  const turns = new Map<Peer, Turn[]>(peers.map((peer) => [peer, []]))
  for (let round = 0; round <= options.rounds; round++) {
    for (let at = 0; at < peers.length; at++) {
      const peer = peers[(at + round) % peers.length] as Peer
      const turn = await measure(peer, options)
      if (round > 0) turns.get(peer)?.push(turn)
    }
  }
  return turns
}

/** Of each turn, what it cost beside the bare proxy's of the same round. */
function ratiosOf(turns: Turns, own: readonly Turn[]): number[] {
  const bare = [...turns].find(([{ name }]) => name === baseline)?.[1] ?? []
  return own.map(({ cpuMicroseconds }, at) => cpuMicroseconds / (bare[at]?.cpuMicroseconds ?? Number.NaN))
}

export function turnsTable(turns: Turns): string {
  const rows = [...turns].map(([{ name }, own]) => [
    name,
    spreadOf(
      own.map(({ cpuMicroseconds }) => cpuMicroseconds),
      1
    ),
    spreadOf(ratiosOf(turns, own), 2),
    spreadOf(
      own.map(({ perSecond }) => perSecond),
      0
    ),
    spreadOf(
      own.map(({ p99Ms }) => p99Ms),
      1
    )
  ])
  return tableOf(['peer', 'CPU us/request', 'x bare http-proxy', 'requests/s', 'p99 ms'], rows)
}

/** Whether a peer costs at most `limit` of the bare proxy, by the median of its ratios; says so. */
export function keepsLimit(turns: Turns, name: string, limit: number, print: (text: string) => void): boolean {
  const own = [...turns].find(([peer]) => peer.name === name)?.[1] ?? []
  const ratio = medianOf(ratiosOf(turns, own))
  const isJudged = own.length >= judgedRounds
  const verdict = isJudged ? (ratio <= limit ? 'kept' : 'PASSED') : `not judged below ${judgedRounds} rounds`
  print(`\nlimit ${limit} x bare http-proxy, ${name}: ${ratio.toFixed(2)}, ${verdict}`)
  return !isJudged || ratio <= limit
}

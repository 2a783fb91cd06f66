/**
 * What forwarding one call costs: the gateway beside bare @fastify/http-proxy and nginx, each in its own process, in
 * turns, with the same bytes. Compare within one run.
 */
import { askOnce } from './answers.ts'
import { type Crew, createCrew, type Listening } from './children.ts'
import { openLoad } from './load.ts'
import { findNginx, startNginx } from './peers/nginx.ts'
import { spreadOf, surroundings, tableOf } from './table.ts'
import { adminLoginRequest, bearerRequest, cookieRequest, locatedRequest, loginRequest } from './wire.ts'

export interface ForwardOptions {
  readonly seconds: number
  readonly rounds: number
  readonly connections: number
}

interface Peer {
  readonly name: string
  readonly child: Listening
  readonly port: number
  readonly request: Buffer
}

interface Turn {
  readonly cpuMicroseconds: number
  readonly perSecond: number
  readonly p99Ms: number
}

/** What everything else is compared with. */
const baseline = '@fastify/http-proxy, bare'
/** Part of a turn's time that a peer gets to warm up before it is measured. */
const warmUp = 0.2

const peerOf = (name: string, child: Listening, request: Buffer): Peer => ({
  name,
  child,
  port: child.ports.http ?? 0,
  request
})

/** Fails the run when a call does not go where the row's name says. */
async function expectSystem({ name, port, request }: Peer, system: string) {
  const text = await askOnce(port, request)
  if (!text.startsWith(`{"system":"${system}"`)) throw new Error(`${name}: the call did not go to the ${system}`)
}

async function startPeers(crew: Crew): Promise<Peer[]> {
  const { ports } = await crew.start('upstream.ts', [])
  const systems = [String(ports.source), String(ports.target)]
  const [byBearer, byCookie, byLocation, bare] = await Promise.all([
    crew.start('peers/gateway.ts', systems),
    crew.start('peers/gateway.ts', systems),
    crew.start('peers/gateway.ts', systems),
    crew.start('peers/http-proxy.ts', systems.slice(1))
  ])
  const bearer = peerOf('gateway, a known bearer token decides', byBearer, bearerRequest)
  // From here on the gateway has the token's record.
  await askOnce(bearer.port, loginRequest)
  await expectSystem(bearer, 'target')
  const cookie = peerOf('gateway, the routing cookie decides', byCookie, cookieRequest)
  await expectSystem(cookie, 'source')
  const located = peerOf("gateway, an administrator's call is located", byLocation, locatedRequest)
  await askOnce(located.port, adminLoginRequest)
  // This first call is the one that asks both systems about the customer.
  await expectSystem(located, 'source')
  const peers = [bearer, cookie, located, peerOf(baseline, bare, bearerRequest)]
  const nginx = findNginx()
  if (nginx === null) return peers
  const routed = peerOf('nginx, cookie-routed', await startNginx(nginx, crew, ports), cookieRequest)
  await expectSystem(routed, 'source')
  return [...peers, routed]
}

async function measure({ name, child, port, request }: Peer, options: ForwardOptions): Promise<Turn> {
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
async function runRounds(peers: readonly Peer[], options: ForwardOptions): Promise<Map<Peer, Turn[]>> {
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

function forwardTable(turns: ReadonlyMap<Peer, readonly Turn[]>): string {
  const bare = [...turns].find(([{ name }]) => name === baseline)?.[1] ?? []
  const rows = [...turns].map(([{ name }, own]) => [
    name,
    spreadOf(
      own.map(({ cpuMicroseconds }) => cpuMicroseconds),
      1
    ),
    spreadOf(
      own.map(({ cpuMicroseconds }, at) => cpuMicroseconds / (bare[at]?.cpuMicroseconds ?? Number.NaN)),
      2
    ),
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

/** Gives true: this part has no limit of its own, and throws when an answer is wrong. */
export async function benchForward(options: ForwardOptions, print: (text: string) => void): Promise<boolean> {
  const { seconds, rounds, connections } = options
  print(
    `\n# forward\n${surroundings('forward', `--seconds ${seconds} --rounds ${rounds} --connections ${connections}`)}`
  )
  const crew = createCrew()
  try {
    const peers = await startPeers(crew)
    if (!peers.some(({ name }) => name.startsWith('nginx'))) print('nginx: absent, so it has no row')
    print('median (least-most) of the rounds; the ratio is taken within each round\n')
    print(forwardTable(await runRounds(peers, options)))
    return true
  } finally {
    await crew.dismiss()
  }
}

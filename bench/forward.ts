/**
 * What forwarding one call costs: the gateway beside bare @fastify/http-proxy and nginx, each in its own process, in
 * turns, with the same bytes. Compare within one run.
 */
import { askOnce } from './answers.ts'
import { type Crew, createCrew } from './children.ts'
import { findNginx, startNginx } from './peers/nginx.ts'
import { surroundings } from './table.ts'
import {
  baseline,
  expectSystem,
  keepsLimit,
  type Peer,
  peerOf,
  runRounds,
  type TurnOptions,
  turnsTable
} from './turns.ts'
import { adminLoginRequest, bearerRequest, cookieRequest, locatedRequest, loginRequest } from './wire.ts'

/** Most that a call may cost with every default plugin on, x bare http-proxy. */
const limit = 0.7

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

/** Gives false when a call costs more than the limit; throws when an answer is wrong. */
export async function benchForward(options: TurnOptions, print: (text: string) => void): Promise<boolean> {
  const { seconds, rounds, connections } = options
  print(
    `\n# forward\n${surroundings('forward', `--seconds ${seconds} --rounds ${rounds} --connections ${connections}`)}`
  )
  const crew = createCrew()
  try {
    const peers = await startPeers(crew)
    if (!peers.some(({ name }) => name.startsWith('nginx'))) print('nginx: absent, so it has no row')
    print('median (least-most) of the rounds; the ratio is taken within each round\n')
    const turns = await runRounds(peers, options)
    print(turnsTable(turns))
    return keepsLimit(turns, 'gateway, a known bearer token decides', limit, print)
  } finally {
    await crew.dismiss()
  }
}

/**
 * What each layer of the gateway adds to a call: the whole gateway beside gateways that lack one of them, in turns.
 */
import { askOnce } from './answers.ts'
import { type Crew, createCrew } from './children.ts'
import { surroundings } from './table.ts'
import { baseline, expectSystem, type Peer, peerOf, runRounds, type TurnOptions, turnsTable } from './turns.ts'
import { bearerRequest, loginRequest } from './wire.ts'

const noBreaker = { plugins: { 'circuit-breaker': false } }
const noMetrics = { plugins: { metrics: false } }
const noConsole = { plugins: { console: false } }
const noShedding = { limits: { eventLoopDelay: 0 } }
const noLine = { logLevel: 'warn' }

/** What each peer's config has beyond the usual one. */
const layers: readonly [name: string, overrides: object][] = [
  ['gateway, everything on', {}],
  ['without circuit-breaker', noBreaker],
  ['without metrics', noMetrics],
  ['without console', noConsole],
  ['without load-shedding', noShedding],
  ['without the access line', noLine],
  [
    'without all five',
    { ...noShedding, ...noLine, plugins: { ...noBreaker.plugins, ...noMetrics.plugins, ...noConsole.plugins } }
  ]
]

async function startPeers(crew: Crew): Promise<Peer[]> {
  const { ports } = await crew.start('upstream.ts', [])
  const systems = [String(ports.source), String(ports.target)]
  const starting = layers.map(async ([name, overrides]) => {
    const child = await crew.start('peers/gateway.ts', [...systems, JSON.stringify(overrides)])
    const peer = peerOf(name, child, bearerRequest)
    // From here on the gateway has the token's record.
    await askOnce(peer.port, loginRequest)
    await expectSystem(peer, 'target')
    return peer
  })
  const bare = await crew.start('peers/http-proxy.ts', systems.slice(1))
  return [...(await Promise.all(starting)), peerOf(baseline, bare, bearerRequest)]
}

/** Gives true: this part has no limit of its own, and throws when an answer is wrong. */
export async function benchLayers(options: TurnOptions, print: (text: string) => void): Promise<boolean> {
  const { seconds, rounds, connections } = options
  print(`\n# layers\n${surroundings('layers', `--seconds ${seconds} --rounds ${rounds} --connections ${connections}`)}`)
  const crew = createCrew()
  try {
    const peers = await startPeers(crew)
    print('median (least-most) of the rounds; the ratio is taken within each round\n')
    print(turnsTable(await runRounds(peers, options)))
    return true
  } finally {
    await crew.dismiss()
  }
}

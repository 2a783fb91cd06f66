/**
 * What a GraphQL query costs beside the equal calls made directly at the same gateway: its CPU, and the client's time.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Child, type Crew, createCrew } from '../children.ts'
import type { Usage } from '../peers/reporting.ts'
import { medianOf, spreadOf, surroundings, tableOf } from '../table.ts'
import { type Client, openClient } from './client.ts'
import { type Comparison, comparisons } from './comparisons.ts'

interface Turn {
  readonly cpuMs: number
  readonly ms: number
}

type Ways = Readonly<Record<'direct' | 'graphql', Turn[]>>

const customers = 1200
const accounts = 3000
/** Of a comparison, in one turn; for a single record more, since it takes so little. */
const runsPerTurn = 10

const usageOf = async (gateway: Child) => (await gateway.ask('usage')) as Usage

async function takeTurn(gateway: Child, run: () => Promise<unknown>): Promise<Turn> {
  const before = await usageOf(gateway)
  const startedAt = performance.now()
  for (let at = 0; at < runsPerTurn; at++) await run()
  const ms = performance.now() - startedAt
  const after = await usageOf(gateway)
  return { cpuMs: (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / runsPerTurn, ms: ms / runsPerTurn }
}

/** Throws when the two ways do not bring the same. */
async function expectSame({ name, direct, graphql }: Comparison, client: Client) {
  const [called, queried] = [await direct(client), await graphql(client)]
  if (!isDeepStrictEqual(called, queried)) {
    const [one, other] = [called, queried].map((found) => JSON.stringify(found)?.slice(0, 400))
    throw new Error(`${name}: the query does not bring what the calls do:\n${one}\n${other}`)
  }
}

async function measure(gateway: Child, client: Client, comparison: Comparison, rounds: number): Promise<Ways> {
  const ways: Ways = { direct: [], graphql: [] }
  await expectSame(comparison, client)
  for (let round = 0; round <= rounds; round++) {
    // Each begins every other round.
    const order = round % 2 === 0 ? (['direct', 'graphql'] as const) : (['graphql', 'direct'] as const)
    for (const way of order) {
      const turn = await takeTurn(gateway, () => comparison[way](client))
      if (round > 0) ways[way].push(turn)
    }
  }
  return ways
}

const ratiosOf = ({ direct, graphql }: Ways, of: (turn: Turn) => number) =>
  graphql.map((turn, at) => of(turn) / of(direct[at] as Turn))

function rowOf({ name, calls }: Comparison, ways: Ways): string[] {
  const cpu = ({ cpuMs }: Turn) => cpuMs
  const time = ({ ms }: Turn) => ms
  const spread = (turns: readonly Turn[], of: (turn: Turn) => number) => spreadOf(turns.map(of), 2)
  return [
    name,
    String(calls),
    spread(ways.direct, cpu),
    spread(ways.graphql, cpu),
    medianOf(ratiosOf(ways, cpu)).toFixed(2),
    spread(ways.direct, time),
    spread(ways.graphql, time),
    medianOf(ratiosOf(ways, time)).toFixed(2)
  ]
}

async function startStage(crew: Crew) {
  const startSystem = (role: string) => crew.start('peers/system.ts', [role, String(customers), String(accounts)])
  const [source, target] = await Promise.all([startSystem('source'), startSystem('target')])
  const gateway = await crew.start(
    'peers/gateway.ts',
    [source, target].map(({ ports }) => String(ports.admin))
  )
  const user = (await source.ask('admin')) as { login: string; password: string }
  const { login, password } = user
  return { gateway, client: await openClient(gateway.ports.http ?? 0, { login, password }) }
}

export async function benchGraphql({ rounds }: { readonly rounds: number }, print: (text: string) => void) {
  print(`\n# graphql\n${surroundings('graphql', `--rounds ${rounds}`)}`)
  const crew = createCrew()
  try {
    const { gateway, client } = await startStage(crew)
    const rows: string[][] = []
    for (const comparison of comparisons) {
      rows.push(rowOf(comparison, await measure(gateway, client, comparison, rounds)))
    }
    client.close()
    print(`median (least-most) of ${rounds} rounds of ${runsPerTurn}; ratios are taken within each round\n`)
    print(tableOf(['query', 'calls', 'direct CPU ms', 'GraphQL CPU ms', 'x', 'direct ms', 'GraphQL ms', 'x'], rows))
  } finally {
    await crew.dismiss()
  }
}

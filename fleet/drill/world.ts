/**
 * Everything that a drill is made of, put together: the fleet, the company of its clients, moves and the weather.
 */
import { type Company, gather, now } from '../../soak/company.ts'
import { createDice } from '../../soak/dice.ts'
import { createDisturbances, type Disturbances } from '../../soak/disturbances.ts'
import { type Fleet, startFleet } from '../topology.ts'
import { type DrillOptions, drillTimes } from './options.ts'
import { createWeather, type Weather } from './weather.ts'

/** What one gateway was told, every other obeys within this, ms. */
const heardWithinMs = 100
/** How long the systems keep idle connections, ms. */
const idleMs = 5000

export type FleetGateway = Fleet['gateways'][number]

export interface DrillWorld extends Company {
  readonly fleet: Fleet
  readonly weather: Weather
  readonly disturbances: Disturbances
  /** Those that may be told of moves: one is chosen for each. */
  readonly standing: Set<FleetGateway>
  close(): Promise<void>
}

async function worldOn(fleet: Fleet, options: DrillOptions): Promise<DrillWorld> {
  const { customers, seed, rate } = options
  const { command, about, origin, token } = fleet
  const weather = createWeather()
  const company = await gather({
    ...{ command, about, origin, customers, seed, rate },
    // Every move is told, so that nothing is remembered wrongly for longer than it takes to tell.
    memory: { memoryMs: 0, graceMs: heardWithinMs + drillTimes(options).graceMs },
    // Nothing is ever done to the systems.
    isDisturbed: () => false,
    isStoreShared: true,
    isForgotten: (session) => weather.isForgotten(session, now()),
    foreseen: weather.foreseen
  })
  const standing = new Set(fleet.gateways)
  const dice = {
    faults: createDice(seed, 'faults'),
    moves: createDice(seed, 'moves'),
    restarts: createDice(seed, 'stops')
  }
  const told = createDice(seed, 'told')
  const disturbances = createDisturbances({
    command,
    migrations: () => `${told.pick([...standing]).opsUrl}/migrations`,
    token,
    ways: [[1, 'words']],
    places: company.places,
    movers: company.cast.known.movers,
    dice,
    now
  })
  return {
    ...company,
    fleet,
    weather,
    disturbances,
    standing,
    async close() {
      await company.disband()
      await fleet.close()
    }
  }
}

export async function openDrill(options: DrillOptions): Promise<DrillWorld> {
  const { customers, seed, workers } = options
  // All of the drill's people come from one address.
  const env = { WEBDISPATCHER_LOGINS: '100000' }
  const fleet = await startFleet({ customers, seed, idleMs, workers, env })
  try {
    return await worldOn(fleet, options)
  } catch (error) {
    await fleet.close()
    throw error
  }
}

/**
 * Asks Sentinels where the master is: before a line is opened, and now and then while it lasts, since the old master of a
 * network that has come apart may still answer.
 */
import type { Host, RedisPlace } from '../place.ts'
import { createSingle, type Line, within } from './client.ts'

const askMs = 1000
const askEveryMs = 5000

async function askOne(place: RedisPlace, sentinel: Host): Promise<Host> {
  const client = createSingle(place, sentinel)
  client.on('error', () => {})
  try {
    await within(askMs, client.connect())
    const asked = client.sendCommand(['SENTINEL', 'get-master-addr-by-name', place.master])
    const [host, port] = ((await within(askMs, asked)) as unknown as [string, string] | null) ?? []
    if (host === undefined) throw new Error(`the Sentinel knows no master ${JSON.stringify(place.master)}`)
    return { host, port: Number(port) }
  } finally {
    client.destroy()
  }
}

/** Sentinels often have no password though Redis has. */
async function ask(place: RedisPlace, sentinel: Host): Promise<Host> {
  try {
    return await askOne(place, sentinel)
  } catch (error) {
    if (place.password === undefined || !/without any password|WRONGPASS/.test((error as Error).message)) throw error
    return askOne({ ...place, username: undefined, password: undefined }, sentinel)
  }
}

/** What the first Sentinel says that answers. */
export async function findMaster(place: RedisPlace): Promise<Host> {
  const errors: Error[] = []
  for (const sentinel of place.hosts) {
    try {
      return await ask(place, sentinel)
    } catch (error) {
      errors.push(error as Error)
    }
  }
  throw new Error(`no Sentinel tells the master: ${errors.at(-1)?.message}`, { cause: errors.at(-1) })
}

/** Ends the line when another has become master. */
export function watchMaster(place: RedisPlace, { host, port }: Host, line: Line) {
  const timer = setInterval(async () => {
    try {
      const now = await findMaster(place)
      if (now.host !== host || now.port !== port) line.end(new Error('another server has become master'))
    } catch {
      // Without Sentinels the master that is known stays.
    }
  }, askEveryMs).unref()
  line.ended.then(() => clearInterval(timer))
}

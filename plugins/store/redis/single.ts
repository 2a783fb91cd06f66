/**
 * A line to one server of Redis: the only one, or the master that the Sentinels name.
 */
import type { Host } from '../place.ts'
import {
  type Command,
  connectMs,
  createSingle,
  type Line,
  type LineOptions,
  type Single,
  scanClient,
  within
} from './client.ts'

async function together(client: Single, commands: readonly Command[]): Promise<unknown[]> {
  const multi = client.multi()
  for (const command of commands) multi.addCommand([...command])
  return (await multi.exec()) as unknown[]
}

function lineOf(commands: Single, subscriber: Single): Line {
  const { promise: ended, resolve } = Promise.withResolvers<Error>()
  function end(reason: Error) {
    resolve(reason)
    commands.destroy()
    subscriber.destroy()
  }
  for (const client of [commands, subscriber]) client.on('error', end)
  return {
    ended,
    end,
    send: (command) => commands.sendCommand([...command]),
    sendTogether: (all) => together(commands, all),
    async write(all, channel, message) {
      await together(commands, [...all, ['PUBLISH', channel, message()]])
    },
    async publish(channel, message) {
      await commands.sendCommand(['PUBLISH', channel, message()])
    },
    scan: (pattern) => scanClient(commands, pattern)
  }
}

/** Sentinels may still name a server that has become a replica. */
async function expectMaster(client: Single) {
  const [role] = (await client.sendCommand(['ROLE'])) as [string]
  if (role !== 'master') throw new Error(`the Sentinels name a server that is ${role}, not master`)
}

export async function openSingle(address: Host, { place, channel, onMessage }: LineOptions): Promise<Line> {
  const commands = createSingle(place, address)
  const subscriber = createSingle(place, address)
  const line = lineOf(commands, subscriber)
  const opening = (async () => {
    await Promise.all([commands.connect(), subscriber.connect()])
    // Subscribers need no database; keys do.
    if (place.db !== 0) await commands.select(place.db)
    if (place.form === 'sentinel') await expectMaster(commands)
    await subscriber.subscribe(channel, onMessage)
  })()
  try {
    await within(2 * connectMs, opening)
    return line
  } catch (error) {
    line.end(error as Error)
    throw error
  }
}

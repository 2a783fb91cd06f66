/**
 * A line to a Redis Cluster: the client knows which node has which key, and keeps up its connections to each. The channel
 * is published on one node, so that what a process tells stays in order.
 */
import { createCluster } from 'redis'
import { backoffMs, type Command, clientOptions, type Line, type LineOptions, scanClient, within } from './client.ts'

const openingMs = 2000

function createNodes({ place, onTrouble }: LineOptions) {
  const { socket, ...options } = clientOptions(place)
  const cluster = createCluster({
    rootNodes: place.hosts.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: { ...options, socket: { ...socket, reconnectStrategy: backoffMs } },
    commandOptions: { timeout: 0 }
  })
  cluster.on('error', onTrouble)
  cluster.on('node-error', onTrouble)
  return cluster
}

type Nodes = ReturnType<typeof createNodes>

async function* scanNodes(cluster: Nodes, pattern: string) {
  for (const master of cluster.masters) yield* scanClient(await cluster.nodeClient(master), pattern)
}

function lineOf(cluster: Nodes): Line {
  const { promise: ended, resolve } = Promise.withResolvers<Error>()
  const send = (command: Command) => cluster.sendCommand(command[1], false, [...command])
  async function publish(channel: string, message: () => string) {
    const client = await cluster.getNodeClientForKey(channel)
    await client.sendCommand(['PUBLISH', channel, message()])
  }
  return {
    ended,
    end(reason) {
      resolve(reason)
      cluster.destroy()
    },
    send,
    async sendTogether(commands) {
      const multi = cluster.multi(commands[0]?.[1])
      for (const command of commands) multi.addCommand(command[1], false, [...command])
      return (await multi.exec()) as unknown[]
    },
    async write(commands, channel, message) {
      await Promise.all(commands.map(send))
      await publish(channel, message)
    },
    publish,
    scan: (pattern) => scanNodes(cluster, pattern)
  }
}

export async function openCluster(options: LineOptions): Promise<Line> {
  const cluster = createNodes(options)
  const line = lineOf(cluster)
  // Why no node could be asked is told by an event alone.
  let cause: Error | undefined
  cluster.on('error', (error: Error) => {
    cause = error
  })
  try {
    await within(openingMs, cluster.connect())
    await within(openingMs, cluster.subscribe(options.channel, options.onMessage))
    return line
  } catch (error) {
    line.end(error as Error)
    throw cause ?? error
  }
}

/**
 * Redis in its other forms, for a test: a Sentinel that knows one master, and a Cluster of one.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from '../../../fleet/ports.ts'
import { startRedisProgram, startTestRedis, type TestRedis, temporaryFolder } from '../../redis.ts'
import { until } from '../../until.ts'

type Context = Pick<TestContext, 'after'>

/** Sends a command as people type it; gives the answer's bytes. */
export async function askRedis(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${command}\r\n`)
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  return String(bytes)
}

/** Gives the URL of a Sentinel that calls this Redis `mymaster`. */
export async function startSentinel(t: Context, redis: TestRedis): Promise<string> {
  const directory = temporaryFolder(t)
  const port = await freePort()
  const config = join(directory, 'sentinel.conf')
  writeFileSync(config, `port ${port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 ${redis.port} 1\n`)
  await startRedisProgram(t, [config, '--sentinel'], directory)
  return `redis+sentinel://127.0.0.1:${port}/mymaster`
}

/** A Cluster whose one node has every slot. */
export async function startClusterServer(t: Context): Promise<{ redis: TestRedis; url: string }> {
  const busPort = await freePort()
  const redis = await startTestRedis(t, ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)])
  await askRedis(redis.port, 'CLUSTER ADDSLOTSRANGE 0 16383')
  await until(async () => /cluster_state:ok/.test(await askRedis(redis.port, 'CLUSTER INFO')))
  return { redis, url: `redis+cluster://127.0.0.1:${redis.port}` }
}

/** Gives its URL. */
export const startCluster = async (t: Context): Promise<string> => (await startClusterServer(t)).url

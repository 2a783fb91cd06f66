/**
 * What the gateways share: a Redis that keeps nothing on disk, so that it comes back empty.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { waitUntil } from './ports.ts'
import type { Processes, Running } from './processes.ts'

const flags = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']

async function answers(port: number): Promise<boolean> {
  const connection = connect(port, '127.0.0.1')
  try {
    await once(connection, 'connect')
    connection.write('PING\r\n')
    const [answer] = await once(connection, 'data')
    return String(answer).startsWith('+PONG')
  } finally {
    connection.destroy()
  }
}

export async function startRedis(processes: Processes, port: number) {
  let running: Running

  async function start() {
    running = await processes.start('redis', { program: 'redis-server', args: ['--port', String(port), ...flags] })
    await waitUntil('Redis answers', () => answers(port), running)
  }

  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: () => running.pid,
    /** Empty again. */
    start,
    /** As a machine that loses power. */
    stop: () => running.kill(),
    /** There, and silent. */
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT')
  }
}

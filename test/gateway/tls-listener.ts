/** A listener behind TLS with certificates of its own, what it logs, and what a client sees of it. */
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import tls from 'node:tls'
import Fastify from 'fastify'
import { openListeners } from '../../gateway/listeners.ts'
import type { ListenerTls } from '../../gateway/tls-schema.ts'

const host = '127.0.0.1'
const limits = { headBytes: 16_384, head: 20_000, body: 20_000, stalled: 60_000, eventLoopDelay: 0 }

export interface Line {
  readonly level: number
  readonly msg: string
  readonly why?: string
  readonly path?: string
  readonly hosts?: readonly string[]
  readonly fingerprint?: string
}

export async function listenTls(t: Pick<TestContext, 'after'>, own: ListenerTls) {
  const lines: Line[] = []
  let text = ''
  const stream = {
    write(line: string) {
      text += line
      lines.push(JSON.parse(line) as Line)
    }
  }
  const app = Fastify({ logger: { level: 'info', stream } })
  app.get('/', async () => 'here')
  await app.ready()
  const listeners = await openListeners(app, { listen: [{ host, port: 0, tls: own }], limits })
  t.after(async () => {
    await listeners.close(0)
    await app.close()
  })
  return { listeners, port: listeners.addresses[0]?.port ?? 0, lines, logText: () => text }
}

/** A connection that stands. */
export async function greet(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** The names in the certificate that a client gets who asks for this host, or for none. */
export async function namesSeen(port: number, servername?: string): Promise<string> {
  const socket = await greet(port, servername === undefined ? {} : { servername })
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname ?? ''
}

export async function fingerprintSeen(port: number, servername: string): Promise<string> {
  const socket = await greet(port, { servername })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

/** Raw connections and small servers for tests of listeners and of the command. */
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import tls from 'node:tls'

export interface Wire {
  readonly socket: Socket
  /** Sends a request by its request line. */
  send(line: string): void
  /** What came until a text did, all of it. */
  until(text: string): Promise<string>
  /** Whatever came until the other side closed. */
  closed(): Promise<string>
}

/** A connection that stands. */
export async function connect(t: TestContext, port: number, isTls = false): Promise<Wire> {
  const socket = isTls
    ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : net.connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
  })
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)))
  // A connection that the other side cuts may be reset; `closed` tells.
  socket.on('error', () => {})
  await once(socket, isTls ? 'secureConnect' : 'connect')
  return {
    socket,
    send: (line) => socket.write(`${line} HTTP/1.1\r\nHost: www.customer.example\r\n\r\n`),
    async until(text) {
      while (!received.includes(text)) {
        const more = await Promise.race([once(socket, 'data'), closed.then(() => null)])
        if (more === null && !received.includes(text)) throw new Error(`closed after ${JSON.stringify(received)}`)
      }
      return received
    },
    closed: () => closed
  }
}

/** A plain server for as long as the test; gives where it is. */
export async function serve(t: Pick<TestContext, 'after'>, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server whose answers the test gives: `next` is the next request that has come. */
export async function startHeld(t: TestContext) {
  const waiting: [IncomingMessage, ServerResponse][] = []
  const wanted: ((held: [IncomingMessage, ServerResponse]) => void)[] = []
  const server = http.createServer((request, response) => {
    const give = wanted.shift()
    if (give === undefined) waiting.push([request, response])
    else give([request, response])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    next: () =>
      new Promise<[IncomingMessage, ServerResponse]>((resolve) => {
        const ready = waiting.shift()
        if (ready === undefined) wanted.push(resolve)
        else resolve(ready)
      })
  }
}

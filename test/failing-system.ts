/**
 * Systems that break in ways the simulator cannot: raw sockets, told per request what comes back and when; and what tests
 * of failing systems share.
 */
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { after, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { startTestGateway, startWorld, systemConfig, testConfig, type World } from './build.ts'
import { type Ask, ask } from './client.ts'

type Scope = Pick<TestContext, 'after'>

/** The scope of a whole file or suite: what is started in it is closed behind its last test. */
export const shared: Scope = { after: (close) => after(() => (close as () => unknown)()) }

/** A request as far as it has come: its head is here. */
export interface RawRequest {
  readonly path: string
  /** Which one it is on its connection, from 1 on. */
  readonly nth: number
  readonly socket: net.Socket
  /** Resolves once so many bytes of its body are here; all of it when absent. */
  body(bytes?: number): Promise<void>
  answer(status?: number, text?: string, headers?: Readonly<Record<string, string | number>>): void
}

export interface FailingSystem {
  readonly url: string
  readonly port: number
  /** Requests whose head has arrived, by path. */
  readonly arrived: string[]
  /** Connections so far. */
  readonly connections: () => number
  readonly open: ReadonlySet<net.Socket>
  /** The next request to arrive. */
  next(): Promise<RawRequest>
  /** New connections are refused from now on. */
  refuse(): void
}

const lengthOf = (head: string) => Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)

/** The requests of one connection, one after the other. */
function readRequests(socket: net.Socket, onRequest: (request: RawRequest) => void) {
  let bytes = Buffer.alloc(0)
  let missing = 0
  let taken = 0
  let nth = 0
  let waiting: { bytes: number; resolve: () => void }[] = []

  function tell() {
    waiting = waiting.filter((one) => {
      if (taken < one.bytes && missing > 0) return true
      one.resolve()
      return false
    })
  }

  function read() {
    const part = Math.min(missing, bytes.length)
    missing -= part
    taken += part
    bytes = bytes.subarray(part)
    tell()
    const end = bytes.indexOf('\r\n\r\n')
    if (missing > 0 || end === -1) return
    const head = bytes.toString('latin1', 0, end)
    bytes = bytes.subarray(end + 4)
    missing = lengthOf(head)
    taken = 0
    nth++
    onRequest({
      path: head.split(' ', 2)[1] ?? '',
      nth,
      socket,
      body: (wanted = Number.POSITIVE_INFINITY) =>
        new Promise((resolve) => {
          waiting.push({ bytes: wanted, resolve })
          tell()
        }),
      answer(status = 200, text = '{}', headers = {}) {
        const all = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers }
        const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
        socket.write(`HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n${text}`)
      }
    })
    read()
  }

  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    read()
  })
}

export async function startFailingSystem(
  t: Scope,
  onRequest: (request: RawRequest) => unknown = () => {}
): Promise<FailingSystem> {
  const arrived: string[] = []
  const open = new Set<net.Socket>()
  let waiting: ((request: RawRequest) => void)[] = []
  let connections = 0
  const server = net.createServer((socket) => {
    connections++
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    readRequests(socket, (request) => {
      arrived.push(request.path)
      for (const resolve of waiting) resolve(request)
      waiting = []
      onRequest(request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const { port } = server.address() as net.AddressInfo
  const next = () => new Promise<RawRequest>((resolve) => waiting.push(resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    arrived,
    connections: () => connections,
    open,
    next,
    refuse: () => server.close()
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function deadUrl(): Promise<string> {
  // Whoever takes a free port meanwhile takes it at another address; Linux has all of 127.0.0.0/8.
  const host = process.platform === 'linux' ? '127.86.7.1' : '127.0.0.1'
  const server = net.createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return `http://${host}:${port}`
}

/** A gateway before these two, each with more of a system's options. */
export function startBefore(
  t: Scope,
  urls: { readonly source: string; readonly target: string },
  more: Record<string, unknown> = {},
  overrides: Record<string, unknown> = {}
) {
  const { source, target } = { source: { admin: urls.source }, target: { admin: urls.target } }
  const systems = { source: systemConfig('MR100', source, more), target: systemConfig('MR115', target, more) }
  return startTestGateway(t, testConfig({ source, target }, { systems, ...overrides }))
}

type Systems = Pick<World, 'source' | 'target'>

/** Another gateway before the same simulated systems, with more options for both. */
export async function startAnother(
  t: Scope,
  { source, target }: Systems,
  more: Record<string, unknown> = {},
  overrides: Record<string, unknown> = {}
): Promise<World> {
  const systems = {
    source: systemConfig('MR100', source.urls, more),
    target: systemConfig('MR115', target.urls, more)
  }
  const config = testConfig({ source: source.urls, target: target.urls }, { systems, ...overrides })
  return { ...(await startTestGateway(t, config)), source, target }
}

/** Two simulated systems for all tests of a file; the gateway that comes with them is nobody's. */
export const startSystems = (): Promise<World> => startWorld(shared)

/** Begins a request that its client may leave; `answer` comes with the head. */
export function begin(url: string, { method = 'POST', path = '/', headers = {} }: Omit<Ask, 'body'>, body?: string) {
  const { hostname, port } = new URL(url)
  const request = http.request({ hostname, port, method, path, headers, agent: false })
  const { promise: answer, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  answer.catch(() => {})
  request.on('response', resolve)
  request.on('error', reject)
  if (body !== undefined) request.end(body)
  return { request, answer, leave: () => request.destroy() }
}

/** As `ask`, with null for a connection that was cut. */
export const askOrCut = (url: string, asked: Ask) => ask(url, asked).catch(() => null)

/** Listens and never accepts: once its backlog is full, no connection comes about. Null where the machine has no such thing. */
export async function startUnreachable(t: Scope): Promise<string | null> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`,
    { eval: true }
  )
  t.after(() => worker.terminate())
  const [port] = (await once(worker, 'message')) as [number]
  const fillers: net.Socket[] = []
  t.after(() => {
    for (const socket of fillers) socket.destroy()
  })
  for (let at = 0; at < 8; at++) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {})
    fillers.push(socket)
    const connected = await Promise.race([once(socket, 'connect').then(() => true), delay(300, false)])
    if (!connected) return `http://127.0.0.1:${port}`
  }
  return null
}

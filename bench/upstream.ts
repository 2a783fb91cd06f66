/**
 * The systems behind every peer, in one process: fixed bytes on raw sockets, so that what is measured is the peer.
 * `Bench/put_bytes?pause=MS` takes an upload of any size and says how much came; `Bench/get_bytes?bytes=N` gives one.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { reportReady } from './peers/reporting.ts'
import { accessToken, answerBytes, sourceToken } from './wire.ts'

const headEnd = Buffer.from('\r\n\r\n')
const contentLength = /\r\ncontent-length: *(\d+)/i
const none = Buffer.alloc(0)
const block = Buffer.alloc(65_536, 'x')

interface Incoming {
  readonly path: string
  readonly bytes: number
  /** Time between two reads of the body, ms: a slow reader. */
  readonly pauseMs: number
}

const headOf = (length: number) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nContent-Length: ${length}\r\n\r\n`

const answerOf = (json: string) => Buffer.from(headOf(json.length) + json)

/** Customers and administrators get the same; an administrator's session lives on both, so each has its own token. */
const sessionOn = (system: string) => ({
  session_id: `bench-session-${system}`,
  access_token: system === 'source' ? sourceToken : accessToken,
  refresh_token: `bench-refresh-${system}`,
  expires_in: 172_800
})

/** Every call is answered alike; who reads it as a customer's record finds the customer on the source. */
function createAnswers(system: string) {
  const record = { i_customer: 7, bill_status: system === 'source' ? 'O' : 'C' }
  const start = `{"system":"${system}","customer_info":${JSON.stringify(record)},"filler":"`
  const usual = answerOf(`${start.padEnd(answerBytes - 2, 'x')}"}`)
  const special = new Map([
    ['/rest/Session/login', answerOf(JSON.stringify(sessionOn(system)))],
    ['/rest/Session/ping', answerOf('{"user_id":1}')]
  ])
  return (path: string) => special.get(path) ?? usual
}

async function sendBytes(socket: Socket, bytes: number) {
  socket.write(headOf(bytes))
  for (let left = bytes; left > 0 && !socket.destroyed; left -= block.length) {
    const isTaken = socket.write(left < block.length ? block.subarray(0, left) : block)
    if (!isTaken) await once(socket, 'drain').catch(() => {})
  }
}

function readHead(head: string): Incoming {
  if (/\r\ntransfer-encoding:/i.test(head)) throw new Error('this upstream reads Content-Length alone')
  const from = head.indexOf(' ') + 1
  const path = head.slice(from, head.indexOf(' ', from))
  const pause = path.startsWith('/rest/Bench/put_bytes') ? /[?&]pause=(\d+)/.exec(path)?.[1] : undefined
  return { path, bytes: Number(contentLength.exec(head)?.[1] ?? 0), pauseMs: Number(pause ?? 0) }
}

function serve(socket: Socket, answerFor: (path: string) => Buffer) {
  let pending: Buffer = none
  let incoming: Incoming | null = null
  let left = 0

  function answer({ path, bytes }: Incoming) {
    if (path.startsWith('/rest/Bench/put_bytes')) socket.write(answerOf(`{"received":${bytes}}`))
    else if (path.startsWith('/rest/Bench/get_bytes'))
      void sendBytes(socket, Number(/bytes=(\d+)/.exec(path)?.[1] ?? 0))
    else socket.write(answerFor(path))
  }

  /** Takes one head, or a part of a body, off the bytes; gives those behind it, or null when more must come. */
  function take(bytes: Buffer): Buffer | null {
    let rest = bytes
    if (incoming === null) {
      const end = bytes.indexOf(headEnd)
      if (end === -1) return null
      incoming = readHead(bytes.toString('latin1', 0, end))
      left = incoming.bytes
      rest = bytes.subarray(end + headEnd.length)
    }
    const taken = Math.min(left, rest.length)
    left -= taken
    if (left === 0) {
      answer(incoming)
      incoming = null
    }
    return rest.subarray(taken)
  }

  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let rest: Buffer | null = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    pending = none
    while (rest !== null && rest.length > 0) {
      const before: Buffer = rest
      rest = take(before)
      if (rest === null) pending = before
    }
    if (incoming === null || incoming.pauseMs === 0) return
    socket.pause()
    setTimeout(() => socket.resume(), incoming.pauseMs)
  })
}

async function listen(system: string): Promise<number> {
  const answerFor = createAnswers(system)
  const server = createServer((socket) => serve(socket, answerFor))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

reportReady({ source: await listen('source'), target: await listen('target') })

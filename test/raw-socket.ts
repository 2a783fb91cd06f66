/** A client that sends bytes as they are, and reads what comes back as HTTP/1.1 answers. For requests that no client would make. */
import { EventEmitter, once } from 'node:events'
import net from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** The head's lines. */
  readonly head: string
  readonly body: string
}

export interface RawOutcome {
  readonly answers: readonly RawAnswer[]
  /** What came behind the last whole answer. */
  readonly rest: string
  /** The other side ended the connection. */
  readonly closed: boolean
}

/** Where the body that begins at `from` ends; -1 while it is not whole. */
function endOfBody(text: string, head: string, from: number): number {
  if (/^HTTP\/1\.1 (?:1\d\d|204|304) /.test(head)) return from
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) return text.length < from + Number(length) ? -1 : from + Number(length)
  if (!/^transfer-encoding: *chunked/im.test(head)) return from
  const last = text.indexOf('0\r\n\r\n', from)
  return last === -1 ? -1 : last + 5
}

function parse(text: string): Omit<RawOutcome, 'closed'> {
  const answers: RawAnswer[] = []
  let at = 0
  for (;;) {
    const headEnd = text.indexOf('\r\n\r\n', at)
    if (headEnd === -1) return { answers, rest: text.slice(at) }
    const head = text.slice(at, headEnd)
    const end = endOfBody(text, head, headEnd + 4)
    if (end === -1) return { answers, rest: text.slice(at) }
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0)
    // 100 Continue is no answer yet.
    if (status >= 200 || status === 0) answers.push({ status, head, body: text.slice(headEnd + 4, end) })
    at = end
  }
}

export interface Sent {
  /** In latin1: each character is one byte. */
  readonly bytes: string
  /** Ends its own half behind the bytes. */
  readonly ends?: boolean
  /** Answers that are waited for, or the end of the connection; 1 when absent. */
  readonly answers?: number
  /** Sent behind them, on a connection that is not said to end; one more answer is waited for. */
  readonly next?: string
}

const saysClose = (answer: RawAnswer | undefined) => /^connection: *close/im.test(answer?.head ?? '')

/** Sends bytes on a connection of their own and waits for what they bring, and for its end where that was announced. */
export async function sendRaw(url: string, { bytes, ends = false, answers = 1, next }: Sent): Promise<RawOutcome> {
  const { hostname, port } = new URL(url)
  const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  const changes = new EventEmitter()
  let received = ''
  let closed = false
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
    changes.emit('change')
  })
  // A reset is an end too; so is a write that comes after it.
  socket.on('error', () => {})
  for (const end of ['end', 'close']) {
    socket.once(end, () => {
      closed = true
      changes.emit('change')
    })
  }
  const until = async (isThere: () => boolean) => {
    while (!closed && !isThere()) await once(changes, 'change')
  }
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  if (ends) socket.end()
  await until(() => parse(received).answers.length >= answers)
  if (saysClose(parse(received).answers.at(-1))) await until(() => false)
  else if (next !== undefined && !closed) {
    socket.write(next, 'latin1')
    await until(() => parse(received).answers.length > answers)
  }
  socket.destroy()
  return { ...parse(received), closed }
}

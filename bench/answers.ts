/**
 * Reads answers off a socket, as cheaply as the load needs it: status and length, no header objects.
 */
import { connect, type Socket } from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')
const contentLength = /\r\ncontent-length: *(\d+)\r?/i

/** One answer at a time: the load never pipelines. */
export class AnswerReader {
  status = 0
  /** Of the answer's body, as Content-Length says. */
  bodyBytes = 0
  #head: Buffer | null = null
  /** Bytes of the body still to come; -1 while the head is read. */
  #left = -1

  /** Takes what came; true when it completes the answer. Throws for an answer whose end cannot be told. */
  push(chunk: Buffer): boolean {
    const came = this.#left === -1 ? this.#readHead(chunk) : chunk.length
    if (this.#left === -1) return false
    this.#left -= came
    if (this.#left < 0) throw new Error('more bytes came than the answer has')
    if (this.#left > 0) return false
    this.#left = -1
    return true
  }

  /** Gives how many bytes of the body came with the head. */
  #readHead(chunk: Buffer): number {
    const bytes = this.#head === null ? chunk : Buffer.concat([this.#head, chunk])
    const end = bytes.indexOf(headEnd)
    this.#head = end === -1 ? bytes : null
    if (end === -1) return 0
    const head = bytes.toString('latin1', 0, end + 2)
    const length = contentLength.exec(head)?.[1]
    if (length === undefined) throw new Error(`an answer without Content-Length: ${head.slice(0, 200)}`)
    this.status = Number(head.slice(9, 12))
    this.bodyBytes = Number(length)
    this.#left = this.bodyBytes
    return bytes.length - end - headEnd.length
  }
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.once('error', reject).once('connect', () => {
      // Whoever reads has a listener of its own; between two answers 'close' tells enough.
      socket.off('error', reject).on('error', () => {})
      resolve(socket)
    })
  })
}

/** Waits for one answer on a socket; `onChunk` sees its bytes as they come. */
export function readAnswer(socket: Socket, onChunk: (chunk: Buffer) => void): Promise<AnswerReader> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader()
    const finish = (error?: unknown) => {
      socket.off('error', finish).off('close', onClose).off('data', onData)
      if (error === undefined) resolve(reader)
      else reject(error)
    }
    const onClose = () => finish(new Error('the connection closed before the answer was whole'))
    const onData = (chunk: Buffer) => {
      try {
        onChunk(chunk)
        if (reader.push(chunk)) finish()
      } catch (error) {
        finish(error)
      }
    }
    socket.on('error', finish).on('close', onClose).on('data', onData)
  })
}

/** One request on a connection of its own, its answer read whole; throws for any status but 200. */
export async function askOnce(port: number, request: Buffer): Promise<string> {
  const socket = await openSocket(port)
  try {
    const chunks: Buffer[] = []
    socket.write(request)
    const { status } = await readAnswer(socket, (chunk) => chunks.push(chunk))
    const text = Buffer.concat(chunks).toString()
    if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 500)}`)
    return text.slice(text.indexOf('\r\n\r\n') + headEnd.length)
  } finally {
    socket.destroy()
  }
}

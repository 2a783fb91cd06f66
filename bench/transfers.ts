/**
 * Large transfers over one raw socket: an upload in multipart form, a download, each at the pace its reader sets.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { openSocket, readAnswer } from './answers.ts'
import { accessToken, bearerHeader, headOf } from './wire.ts'

export interface UploadOptions {
  /** Between two reads of the system, ms; 0 reads as fast as it comes. */
  readonly pauseMs: number
  /** Where the upload shows its token: then the gateway reads nothing of the body, or its first field. */
  readonly shown: 'header' | 'field'
}

const block = Buffer.alloc(65_536, 'x')
const boundary = 'bench-boundary'

const fieldOf = (name: string, attributes: string, value: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${attributes}\r\n\r\n${value}`

async function write(socket: Socket, bytes: Buffer | string) {
  if (!socket.write(bytes)) await once(socket, 'drain')
}

/** Sends a file of this size; throws unless the system got every byte. */
export async function upload(port: number, bytes: number, { pauseMs, shown }: UploadOptions): Promise<void> {
  const authInfo =
    shown === 'header' ? '' : `${fieldOf('auth_info', '', JSON.stringify({ access_token: accessToken }))}\r\n`
  const start = `${authInfo}${fieldOf('file', '; filename="file.bin"', '')}`
  const end = `\r\n--${boundary}--\r\n`
  const length = start.length + bytes + end.length
  const headers = [`Content-Type: multipart/form-data; boundary=${boundary}`, `Content-Length: ${length}`]
  if (shown === 'header') headers.push(bearerHeader)
  const socket = await openSocket(port)
  try {
    const chunks: Buffer[] = []
    const answered = readAnswer(socket, (chunk) => chunks.push(chunk))
    // Awaited below; until then a refusal must not be unheard.
    answered.catch(() => {})
    await write(socket, headOf({ method: 'POST', path: `/rest/Bench/put_bytes?pause=${pauseMs}`, headers }) + start)
    for (let left = bytes; left > 0; left -= block.length) {
      await write(socket, left < block.length ? block.subarray(0, left) : block)
    }
    await write(socket, end)
    const { status } = await answered
    const text = Buffer.concat(chunks).toString()
    if (status !== 200 || !text.endsWith(`{"received":${length}}`))
      throw new Error(`an upload was answered with ${text}`)
  } finally {
    socket.destroy()
  }
}

/** Takes a file of this size; throws unless every byte came. */
export async function download(port: number, bytes: number, pauseMs: number): Promise<void> {
  const socket = await openSocket(port)
  try {
    const path = `/rest/Bench/get_bytes?bytes=${bytes}`
    socket.write(headOf({ method: 'GET', path, headers: [bearerHeader] }))
    const { status, bodyBytes } = await readAnswer(socket, () => {
      if (pauseMs === 0) return
      socket.pause()
      setTimeout(() => socket.resume(), pauseMs)
    })
    if (status !== 200 || bodyBytes !== bytes)
      throw new Error(`a download was answered with ${status}, ${bodyBytes} bytes`)
  } finally {
    socket.destroy()
  }
}

/**
 * The load generator: keep-alive connections on raw sockets, each with one request in flight, as fast as answers come.
 */
import type { Socket } from 'node:net'
import { AnswerReader, openSocket } from './answers.ts'
import { answerBytes } from './wire.ts'

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly p99Ms: number
}

export interface Load {
  /** Sends until the time is up and every answer is here; rejects at the first answer that is not as it should be. */
  run(seconds: number): Promise<LoadResult>
  close(): void
}

function p99Of(latencies: number[]): number {
  const sorted = Float64Array.from(latencies).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN
}

/** One connection's requests, one after the other, until `deadline`. */
function drive(socket: Socket, request: Buffer, deadline: number, latencies: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader()
    let sentAt = 0
    const finish = (error?: Error) => {
      socket.off('data', onData).off('error', finish).off('close', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const send = () => {
      sentAt = performance.now()
      socket.write(request)
    }
    const onClose = () => finish(new Error('a connection was closed under its request'))
    const onData = (chunk: Buffer) => {
      try {
        if (!reader.push(chunk)) return
        const { status, bodyBytes } = reader
        if (status !== 200 || bodyBytes !== answerBytes) {
          throw new Error(`status ${status} with ${bodyBytes} bytes: ${chunk.toString('latin1', 0, 400)}`)
        }
      } catch (error) {
        finish(error as Error)
        return
      }
      const now = performance.now()
      latencies.push(now - sentAt)
      if (now < deadline) send()
      else finish()
    }
    socket.on('data', onData).on('error', finish).on('close', onClose)
    send()
  })
}

export async function openLoad(port: number, request: Buffer, connections: number): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => openSocket(port)))
  return {
    async run(seconds) {
      const latencies: number[] = []
      const start = performance.now()
      const deadline = start + seconds * 1000
      await Promise.all(sockets.map((socket) => drive(socket, request, deadline, latencies)))
      return {
        requests: latencies.length,
        seconds: (performance.now() - start) / 1000,
        p99Ms: p99Of(latencies)
      }
    },
    close() {
      for (const socket of sockets) socket.destroy()
    }
  }
}

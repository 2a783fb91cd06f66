/**
 * Carries out the faults that are about sockets and answers rather than about a call's meaning.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Answer, faultAnswer, type HeaderList, send, writeHead } from './answers.ts'
import { ApiFault } from './api-fault.ts'
import type { SimulatedFault } from './faults.ts'

/** A TLS socket cannot reset; the TCP socket beneath it can. */
export function resetSocket(socket: Socket & { _parent?: Socket | null }): void {
  const tcp = socket._parent ?? socket
  tcp.resetAndDestroy()
}

/** The answer of a fault that replaces the call altogether. */
export function replacementOf(fault: SimulatedFault | null): Answer | null {
  if (fault?.kind === 'fault') return faultAnswer(new ApiFault(fault.faultcode, fault.faultstring ?? 'Simulated'))
  if (fault?.kind !== 'status') return null
  const headers: HeaderList = Object.entries(fault.headers ?? {})
  return new Answer(fault.status, headers, Buffer.from(fault.body ?? ''))
}

/** True when the fault ended the exchange before the call could be executed. */
export function endsBeforeCall(fault: SimulatedFault | null, req: IncomingMessage): boolean {
  if (fault?.kind === 'hang') return true
  if (fault?.kind !== 'garbage') return false
  req.socket.end('\u0015\u0003this is not an answer\r\n\r\n')
  return true
}

export async function sendDespite(fault: SimulatedFault | null, res: ServerResponse, answer: Answer): Promise<void> {
  switch (fault?.kind) {
    case 'delay':
      await wait(fault.ms, res)
      return res.destroyed ? undefined : send(res, answer)
    case 'headers':
      return send(res, answer.with(...fault.headers))
    case 'half':
      return sendHalf(res, answer)
    case 'reset':
      return fault.at === 'after-headers' ? resetAfterHeaders(res, answer) : resetSocket(socketOf(res))
    default:
      return send(res, answer)
  }
}

async function sendHalf(res: ServerResponse, answer: Answer): Promise<void> {
  const whole = answer.body instanceof Readable ? Buffer.alloc(1024) : answer.body
  writeHead(res, new Answer(answer.status, answer.headers, whole))
  const half = whole.subarray(0, Math.floor(whole.length / 2))
  await new Promise((resolve) => res.write(half, resolve))
  res.socket?.end()
}

async function resetAfterHeaders(res: ServerResponse, answer: Answer): Promise<void> {
  writeHead(res, answer)
  res.flushHeaders()
  // Unsent headers would be thrown away by the reset.
  await flushed(socketOf(res))
  resetSocket(socketOf(res))
}

/** Resolves once everything written so far has left, or the client has. */
export function flushed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.write('', () => resolve())
  })
}

function socketOf(res: ServerResponse): Socket {
  if (res.socket === null) throw new Error('the client is gone')
  return res.socket
}

/** Ends early when the client leaves. */
export async function wait(ms: number, res: ServerResponse): Promise<void> {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  await delay(ms, undefined, { signal: gone.signal, ref: false }).catch(() => {})
}

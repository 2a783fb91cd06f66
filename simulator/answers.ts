/**
 * What a call answers: JSON, a fault, or a file; and how it is written to a socket, back-pressure included.
 */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ApiFault } from './api-fault.ts'

export type HeaderList = [name: string, value: string][]

export class Answer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: Buffer | Readable
  readonly faultcode: string | null

  constructor(status: number, headers: HeaderList, body: Buffer | Readable, faultcode: string | null = null) {
    this.status = status
    this.headers = headers
    this.body = body
    this.faultcode = faultcode
  }

  with(...headers: HeaderList): Answer {
    return new Answer(this.status, [...this.headers, ...headers], this.body, this.faultcode)
  }
}

export function jsonAnswer(value: unknown, status = 200, faultcode: string | null = null): Answer {
  const headers: HeaderList = [['Content-Type', 'application/json; charset=UTF-8']]
  return new Answer(status, headers, Buffer.from(JSON.stringify(value)), faultcode)
}

export function faultAnswer({ faultcode, message }: ApiFault, status = 500): Answer {
  return jsonAnswer({ faultcode, faultstring: message }, status, faultcode)
}

export function textAnswer(type: string, text: string, status = 200): Answer {
  return new Answer(status, [['Content-Type', type]], Buffer.from(text))
}

export function fileAnswer(type: string, filename: string, body: Buffer | Readable): Answer {
  const headers: HeaderList = [
    ['Content-Type', type],
    ['Content-Disposition', `attachment; filename="${filename}"`]
  ]
  return new Answer(200, headers, body)
}

/** Raw headers, so that names keep their case and repeated ones stay apart. */
export function writeHead(res: ServerResponse, { status, headers, body }: Answer): void {
  const length: HeaderList = body instanceof Readable ? [] : [['Content-Length', String(body.length)]]
  res.writeHead(status, [...headers, ...length].flat())
}

export async function send(res: ServerResponse, answer: Answer): Promise<void> {
  writeHead(res, answer)
  if (answer.body instanceof Readable) return pipeline(answer.body, res)
  // No waiting for the end: a client that leaves meanwhile is noticed by the 'close' listener.
  res.end(answer.body)
}

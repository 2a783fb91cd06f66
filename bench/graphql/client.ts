/**
 * An administrator's client with as many keep-alive connections as it has calls under way.
 */
import type { Socket } from 'node:net'
import { openSocket, readAnswer } from '../answers.ts'
import { adminHost, jsonRequest } from '../wire.ts'

export type Json = Readonly<Record<string, unknown>>

export interface Client {
  /** One call or query, by its path and what is sent. */
  send(path: string, sent: object): Promise<Json>
  /** Several calls, at most so many at a time, answers in their order. */
  sendAll(path: string, all: readonly object[], atATime: number): Promise<Json[]>
  close(): void
}

export async function openClient(port: number, user: object): Promise<Client> {
  const idle: Socket[] = []
  const all: Socket[] = []
  let headers: readonly string[] = []

  async function take(): Promise<Socket> {
    const known = idle.pop()
    if (known !== undefined) return known
    const opened = await openSocket(port)
    all.push(opened)
    return opened
  }

  async function send(path: string, sent: object): Promise<Json> {
    const socket = await take()
    const chunks: Buffer[] = []
    socket.write(jsonRequest(path, headers, JSON.stringify(sent), adminHost))
    const { status, bodyBytes } = await readAnswer(socket, (chunk) => chunks.push(chunk))
    idle.push(socket)
    const bytes = Buffer.concat(chunks)
    const body = bytes.subarray(bytes.length - bodyBytes).toString()
    if (status !== 200) throw new Error(`${path}: status ${status}: ${body.slice(0, 500)}`)
    return JSON.parse(body) as Json
  }

  async function sendAll(path: string, sent: readonly object[], atATime: number): Promise<Json[]> {
    const answers: Json[] = []
    const left = [...sent.entries()]
    async function work() {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [at, one] = next
        answers[at] = await send(path, one)
      }
    }
    await Promise.all(Array.from({ length: atATime }, work))
    return answers
  }

  const { access_token: token } = await send('/rest/Session/login', { params: user })
  headers = [`Authorization: Bearer ${String(token)}`]
  return {
    send,
    sendAll,
    close() {
      for (const socket of all) socket.destroy()
    }
  }
}

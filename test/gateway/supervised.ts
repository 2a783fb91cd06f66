/** Several workers under one supervisor, as tests need them: a config that can be changed, and a log that is read. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { LoggedLine } from '../build.ts'
import { ended, type Outcome, start, write } from './command.ts'

/** What tests need a worker to do: a long line for each request, a crash, and not to answer for a while. */
const teamPlugin = `
export default async function team(app) {
  app.addHook('onResponse', async () => app.log.info({ long: 'x'.repeat(20000) }, 'a long line'))
  app.addHook('onRequest', async (request) => {
    if (request.headers['x-crash']) setImmediate(() => { throw new Error('crashed as asked') })
    if (request.headers['x-block']) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(request.headers['x-block']))
  })
}
team[Symbol.for('skip-override')] = true
`

export interface ConfigParts {
  readonly url: string
  readonly workers?: number | 'auto'
  readonly listen?: string
  readonly more?: string
}

export const supervisedConfig = ({ url, workers = 2, listen = '', more = '' }: ConfigParts) => `
listen: [{ host: 127.0.0.1, port: 0 }${listen}]
ops: { port: 0 }
workers: ${workers}
store: file:./dispatcher.db
secret: hunter2 hunter2 hunter2 hunter2 hunter2
defaultRealm: customer
limits: { eventLoopDelay: 0 }
systems:
  source: { release: MR100, url: ${url}, health: false }
  target: { release: MR115, url: ${url}, health: false }
${more}`

export interface Supervised {
  readonly child: ChildProcess
  readonly port: number
  readonly opsUrl: string
  readonly end: Promise<Outcome>
  /** Its log so far. */
  readonly lines: readonly LoggedLine[]
  /** The line that was logged as this for so many times, once it is there. */
  logged(msg: string, times?: number): Promise<LoggedLine>
  rewrite(config: string): void
  /** Its processes. */
  workers(): number[]
}

/** The processes that this one has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number)

export async function startSupervised(t: Pick<TestContext, 'after'>, config: string): Promise<Supervised> {
  const file = write(t, { 'a.yaml': config, 'team.ts': teamPlugin })('a.yaml')
  const child = start(t, ['--config', file])
  const end = ended(child)
  const lines: LoggedLine[] = []
  const byMsg = new Map<string, LoggedLine[]>()
  const stdout = child.stdout as NonNullable<typeof child.stdout>
  let begun = ''
  stdout.on('data', (chunk: string) => {
    const whole = (begun + chunk).split('\n')
    begun = whole.pop() as string
    // Each must be whole: two that were mixed are no JSON.
    for (const line of whole) {
      const read = JSON.parse(line) as LoggedLine
      lines.push(read)
      const same = byMsg.get(read.msg)
      if (same === undefined) byMsg.set(read.msg, [read])
      else same.push(read)
    }
  })
  async function logged(msg: string, times = 1): Promise<LoggedLine> {
    for (;;) {
      const found = byMsg.get(msg)?.[times - 1]
      if (found !== undefined) return found
      await Promise.race([
        once(stdout, 'data'),
        end.then(({ err }) => assert.fail(`ended before it said ${msg}: ${err}`))
      ])
    }
  }
  const { addresses, ops } = (await logged('listening')) as unknown as { addresses: string[]; ops: string }
  return {
    child,
    port: Number(new URL(addresses[0] ?? '').port),
    opsUrl: ops,
    end,
    lines,
    logged,
    rewrite: (changed) => writeFileSync(file, changed),
    workers: () => childrenOf(child.pid ?? 0)
  }
}

export interface Load {
  /** Stops, and tells how many were answered, and what went wrong. */
  stop(): Promise<{ readonly answered: number; readonly wrong: readonly string[] }>
}

/** Between a client's answer and its next request, ms: without it the clients take all there is from those that start. */
const restMs = 10

/** Clients that send one request after the other, each on a connection that it keeps for as long as it may. */
export function startLoad(port: number, clients: number): Load {
  const agent = new http.Agent({ keepAlive: true })
  const wrong: string[] = []
  let answered = 0
  let isOver = false

  const post = () =>
    new Promise<void>((resolve) => {
      const headers = { host: 'www.customer.example', 'content-type': 'application/json' }
      const request = http.request(
        { agent, port, host: '127.0.0.1', method: 'POST', path: '/rest/Customer/update_customer', headers },
        (response) => {
          response.on('error', (error) => wrong.push(String(error))).on('close', resolve)
          response.on('end', () => {
            if (response.statusCode === 200) answered++
            else wrong.push(`status ${response.statusCode}`)
          })
          response.resume()
        }
      )
      request.on('error', (error) => {
        wrong.push(String(error))
        resolve()
      })
      request.end('{"params":{}}')
    })

  const over = Promise.all(
    Array.from({ length: clients }, async () => {
      while (!isOver) {
        await post()
        await delay(restMs)
      }
    })
  )
  return {
    async stop() {
      isOver = true
      await over
      agent.destroy()
      return { answered, wrong }
    }
  }
}

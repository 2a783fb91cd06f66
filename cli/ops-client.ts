/**
 * The ops API of a running gateway, as the commands ask it. The token comes from the environment or a file: a flag's value
 * would be seen in the list of processes.
 */
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { CommandError, wrongUsage } from './errors.ts'
import { readText } from './files.ts'
import type { Surroundings } from './surroundings.ts'

const usualUrl = 'http://127.0.0.1:9090'

/** What ops says; its body as it came, for machines. */
export interface OpsAnswer {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number | null
  readonly json: unknown
}

export interface OpsClient {
  readonly url: string
  /** Any answer; throws where none came. */
  ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<OpsAnswer>
  /** The answer's value; throws what the gateway refuses with. */
  get(path: string): Promise<OpsAnswer>
  post(path: string, body: unknown): Promise<OpsAnswer>
}

export interface OpsFlags {
  readonly ops?: string | undefined
  readonly 'token-file'?: string | undefined
}

/** No connection, no answer, or one that was not ops's. `wasSent`: what was asked may have been done all the same. */
export class Unreachable extends CommandError {
  readonly wasSent: boolean

  constructor(message: string, wasSent: boolean, options?: ErrorOptions) {
    super('unreachable', message, options)
    this.wasSent = wasSent
  }
}

function readToken(file: string | undefined, { env }: Surroundings): string {
  if (file === undefined) return env.OPS_TOKEN ?? ''
  return readText(file).trim()
}

function readUrl(given: string): URL {
  if (URL.canParse(given)) {
    const url = new URL(given)
    if (url.username !== '' || url.password !== '') throw wrongUsage('--ops: a URL with a password; use --token-file')
    if (url.protocol === 'http:' || url.protocol === 'https:') return url
  }
  throw wrongUsage(`--ops: ${JSON.stringify(given)} is not an http(s) URL`)
}

interface Exchange {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal
}

/** A gateway that hangs must not hold a script up; one that lets writes finish says nothing for as long as it waits. */
const silenceMs = { GET: 30_000, POST: 15 * 60_000 }

/** Not by fetch, which answers 421 itself. A connection of its own, so that nothing holds the process up; no redirect. */
async function exchange(url: string, { body, ...options }: Exchange) {
  const request = (url.startsWith('https:') ? https : http).request(url, { ...options, agent: false })
  request.setTimeout(silenceMs[options.method], () => {
    request.destroy(Object.assign(new Error('silence'), { code: 'ETIMEDOUT' }))
  })
  let wasSent = false
  request.on('socket', (socket) => {
    socket.once(url.startsWith('https:') ? 'secureConnect' : 'connect', () => {
      wasSent = true
    })
  })
  try {
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const text = (await Array.fromAsync(response.setEncoding('utf8') as AsyncIterable<string>)).join('')
    return { status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] }
  } catch (cause) {
    const { code, name } = cause as NodeJS.ErrnoException
    throw new Unreachable(code ?? name, wasSent, { cause })
  }
}

function retryAfterOf(value: string | undefined): number | null {
  const seconds = value === undefined ? Number.NaN : Number(value)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Why the gateway refuses, in its own words. */
export function refusalOf({ status, json }: OpsAnswer): CommandError {
  const { faultcode, faultstring, error } = (json ?? {}) as Record<string, unknown>
  if (status === 401) {
    return new CommandError('refused', 'the ops token is missing or wrong: set OPS_TOKEN, or give --token-file FILE')
  }
  const words = [faultcode, faultstring, error].filter((word) => typeof word === 'string').join(': ')
  return new CommandError('refused', `the gateway refuses: ${words === '' ? 'it says no more' : words} (${status})`)
}

export function createOpsClient(flags: OpsFlags, surroundings: Surroundings): OpsClient {
  const base = readUrl(flags.ops ?? (surroundings.env.WEBDISPATCHER_OPS || usualUrl))
  const token = readToken(flags['token-file'], surroundings)
  if (/[^\x21-\x7e]/.test(token))
    throw wrongUsage('the ops token is no single word: look into OPS_TOKEN or the token file')
  const root = base.href.replace(/\/+$/, '')

  async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<OpsAnswer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      accept: 'application/json',
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }),
      ...(token !== '' && { authorization: `Bearer ${token}` })
    }
    try {
      const answer = await exchange(root + path, { method, headers, body: text, signal: surroundings.signal })
      const { status, retryAfter } = answer
      return { status, text: answer.text, retryAfterMs: retryAfterOf(retryAfter), json: parsed(answer.text) }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      if (surroundings.signal.aborted) throw new Unreachable('stopped', error.wasSent, { cause: error })
      const hint = 'is the gateway running, and is --ops (or WEBDISPATCHER_OPS) its ops address?'
      throw new Unreachable(`${root} cannot be reached (${error.message}): ${hint}`, error.wasSent, { cause: error })
    }
  }

  async function expect(asked: Promise<OpsAnswer>): Promise<OpsAnswer> {
    const answer = await asked
    if (answer.status !== 200) throw refusalOf(answer)
    if (typeof answer.json !== 'object' || answer.json === null) {
      throw new CommandError('refused', `${root} does not answer as a gateway: is --ops its ops address?`)
    }
    return answer
  }

  return {
    url: root,
    ask,
    get: (path) => expect(ask('GET', path)),
    post: (path, body) => expect(ask('POST', path, body))
  }
}

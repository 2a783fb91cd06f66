/**
 * Clients with subscriptions as tests need them: graphql-ws' own, and a bare WebSocket for what no such client would send.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { createClient } from 'graphql-ws'
import { type RawData, WebSocket } from 'ws'
import type { RealmName } from '../../core/words.ts'
import { hosts } from '../build.ts'
import { until } from '../until.ts'

export interface Closed {
  readonly code: number
  readonly reason: string
}

interface Options {
  readonly realm: RealmName
  readonly token: string
  /** The first message's payload; made of the token when absent. */
  readonly payload: Record<string, unknown>
  readonly headers: Record<string, string>
}

const endpoint = (url: string) => `${url.replace(/^http/, 'ws')}/graphql`

const bearerIn = (token: string | undefined) => (token === undefined ? {} : { Authorization: `Bearer ${token}` })

/** The events of one subscription, as they have come so far, and what ended it. */
export interface Subscription {
  readonly events: Record<string, unknown>[]
  readonly errors: { readonly message: string; readonly extensions?: { readonly code?: string } }[]
  isComplete: boolean
  /** Ends it. */
  stop(): void
  /** The events so far, once there are as many; they are taken away. */
  take(count: number): Promise<Record<string, unknown>[]>
}

export function createSubscriber(
  t: TestContext,
  url: string,
  { realm = 'admin', token, headers = {}, payload = bearerIn(token) }: Partial<Options> = {}
) {
  class Socket extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers: { host: hosts[realm], ...headers } })
    }
  }
  const closed = Promise.withResolvers<Closed>()
  const connected = Promise.withResolvers<void>()
  // Whoever does not look at them need not.
  connected.promise.catch(() => {})
  const client = createClient({
    url: endpoint(url),
    webSocketImpl: Socket,
    connectionParams: payload,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => {},
    on: {
      connected: () => connected.resolve(),
      closed(event) {
        const { code, reason } = event as Closed
        closed.resolve({ code, reason })
        connected.reject(new Error(`closed with ${code}`))
      }
    }
  })
  t.after(() => client.dispose())

  function subscribe(query: string, more: object = {}): Subscription {
    const events: Record<string, unknown>[] = []
    const errors: Subscription['errors'] = []
    const stop = client.subscribe<Record<string, unknown>>(
      { query, ...more },
      {
        next({ data, errors: wrong }) {
          if (data) events.push(data)
          errors.push(...(wrong ?? []))
        },
        error: (error) => Array.isArray(error) && errors.push(...error),
        complete() {
          subscription.isComplete = true
        }
      }
    )
    const subscription: Subscription = {
      events,
      errors,
      isComplete: false,
      stop,
      async take(count) {
        await until(() => events.length >= count)
        return events.splice(0)
      }
    }
    return subscription
  }

  return { client, subscribe, closed: closed.promise, connected: connected.promise }
}

export const status = 'subscription Status { systemStatus { system reachable } }'
export const moves = 'subscription Moves { customerMoved { iCustomer state to } }'

/** A WebSocket that stands, and what has come on it. */
export async function openSocket(
  t: TestContext,
  url: string,
  { realm = 'admin', headers = {}, autoPong = true }: Partial<Options & { readonly autoPong: boolean }> = {}
) {
  const options = { headers: { host: hosts[realm], ...headers }, autoPong }
  const ws = new WebSocket(endpoint(url), 'graphql-transport-ws', options)
  t.after(() => ws.terminate())
  const messages: Record<string, unknown>[] = []
  ws.on('message', (data: RawData) => messages.push(JSON.parse(String(data))))
  // How it ends is what tests look at.
  ws.on('error', () => {})
  const closed = new Promise<Closed>((resolve) =>
    ws.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
  )
  await once(ws, 'open')
  const send = (message: object) => ws.send(JSON.stringify(message))
  return {
    ws,
    messages,
    closed,
    send,
    /** Waits for a message of a type. */
    message: (type: string) =>
      until(
        () => messages.find((one) => one.type === type) ?? assert.fail(`no ${type} in ${JSON.stringify(messages)}`)
      ),
    init: (token: string) => send({ type: 'connection_init', payload: bearerIn(token) })
  }
}

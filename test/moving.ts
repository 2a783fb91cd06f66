/**
 * Customers who move to and fro while many calls about them are under way: who moved when, what each call got, and which
 * of it a move explains.
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import { otherSystem, type RealmName, type System } from '../core/words.ts'
import { moveCustomer } from '../simulator/index.ts'
import { hosts, type World } from './build.ts'
import type { Session } from './client.ts'

type Json = Record<string, unknown>

export type Kind =
  | 'update_customer'
  | 'add_account'
  | 'customer_info'
  | 'account_info'
  | 'account_list'
  | 'page'
  | 'whole'

/** One call, between two ticks of the clock. */
export interface Done {
  readonly kind: Kind
  /** The customer; null for a list of everybody. */
  readonly id: number | null
  /** What a write writes, unlike any other; '' for a read. */
  readonly mark: string
  readonly begun: number
  readonly ended: number
  readonly status: number
  readonly json: Json
  /** The customer's mark before a read; null where writes were under way meanwhile. */
  readonly expected: string | null
}

export interface Move {
  readonly id: number
  readonly to: System
  /** Whether the gateway was told by events. */
  readonly isTold: boolean
  readonly begun: number
  ended: number
}

interface Member {
  readonly realm: RealmName
  readonly session: Session
  /** By `auth_info` instead of a header. */
  readonly inBody: boolean
}

/** An answer must be there by then, ms: far longer than any takes, far shorter than a test may. */
const patienceMs = 20_000

/** Calls on connections that are kept, at most `connections` at once. */
function createCaller(url: string, connections: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  const { hostname, port } = new URL(url)

  function call(path: string, { realm, session, inBody }: Member, params: object) {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; json: Json }>()
    const headers = {
      host: hosts[realm],
      'content-type': 'application/json',
      ...(!inBody && { authorization: `Bearer ${session.accessToken}` })
    }
    const request = http.request({ hostname, port, method: 'POST', path, agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) })
        } catch {
          reject(new Error(`${path} was answered with ${response.statusCode} ${text.slice(0, 100)}`))
        }
      })
    })
    request.setTimeout(patienceMs, () => request.destroy(new Error(`${path} was not answered`)))
    request.on('error', reject)
    request.end(JSON.stringify({ ...(inBody && { auth_info: { session_id: session.sessionId } }), params }))
    return promise
  }

  return { call, close: () => agent.destroy() }
}

/** The same numbers in each run, from 0 to below 1. */
function createDice(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Plan {
  readonly ids: readonly number[]
  readonly members: readonly Member[]
  readonly calls: number
  readonly atOnce: number
  readonly moves: number
}

/** In a hundred calls. */
const shares: readonly (readonly [Kind, number])[] = [
  ['update_customer', 30],
  ['add_account', 6],
  ['customer_info', 28],
  ['account_info', 18],
  ['account_list', 12],
  ['page', 5],
  ['whole', 1]
]

export async function moveUnderLoad(world: World, { ids, members, calls, atOnce, moves: count }: Plan) {
  const { url, opsUrl } = world
  const caller = createCaller(url, atOnce)
  const dice = createDice(1)
  const pick = <T>(list: readonly T[]) => list[Math.floor(dice() * list.length)] as T
  const places = new Map<number, System>(ids.map((id) => [id, id % 3 === 0 ? 'target' : 'source']))
  const done: Done[] = []
  const moves: Move[] = []
  /** The mark of a customer's last write that succeeded, and how many writes have begun or ended. */
  const written = new Map<number, { mark: string; changes: number; isBusy: boolean }>(
    ids.map((id) => [id, { mark: '', changes: 0, isBusy: false }])
  )
  const stateOf = (id: number) => written.get(id) ?? assert.fail('a customer of nobody')
  let clock = 0
  let begun = 0
  let progress = Promise.withResolvers<void>()

  const paramsOf: Readonly<Record<Kind, (id: number, mark: string) => readonly [name: string, params: object]>> = {
    update_customer: (id, mark) => ['Customer/update_customer', { customer_info: { i_customer: id, firstname: mark } }],
    add_account: (id, mark) => ['Account/add_account', { account_info: { i_customer: id, id: mark } }],
    customer_info: (id) => ['Customer/get_customer_info', { i_customer: id }],
    account_info: (id) => ['Account/get_account_info', { i_account: id }],
    account_list: (id) => ['Account/get_account_list', { i_customer: id, limit: 5 }],
    page: () => ['Customer/get_customer_list', { limit: 7, offset: Math.floor(dice() * 55) }],
    whole: () => ['Customer/get_customer_list', { limit: 1000 }]
  }

  function kindOf(id: number): Kind {
    let left = dice() * 100
    for (const [kind, share] of shares) {
      left -= share
      // Updates of one customer follow each other: then it is known which was the last.
      if (left < 0) return kind === 'update_customer' && stateOf(id).isBusy ? 'customer_info' : kind
    }
    return 'customer_info'
  }

  async function callOnce(number: number) {
    // Whoever moves is asked about more often than others.
    const id = dice() < 0.3 ? (moves.at(-1)?.id ?? pick(ids)) : pick(ids)
    const kind = kindOf(id)
    const state = stateOf(id)
    const isUpdate = kind === 'update_customer'
    const isWrite = isUpdate || kind === 'add_account'
    const mark = isWrite ? `mark-${number}` : ''
    const [name, params] = paramsOf[kind](id, mark)
    if (isUpdate) {
      state.isBusy = true
      state.changes++
    }
    const { mark: expected, changes } = state
    const began = ++clock
    const { status, json } = await caller.call(`/rest/${name}`, pick(members), params)
    const ended = ++clock
    const isQuiet = !isUpdate && !state.isBusy && changes === state.changes
    if (isUpdate) {
      state.isBusy = false
      state.changes++
      if (status === 200) state.mark = mark
    }
    const about = kind === 'page' || kind === 'whole' ? null : id
    done.push({ kind, id: about, mark, begun: began, ended, status, json, expected: isQuiet ? expected : null })
    progress.resolve()
    progress = Promise.withResolvers()
  }

  async function work() {
    while (begun < calls) await callOnce(++begun)
  }

  /** Spread over the calls; each customer moves with events and without, in turn. */
  async function moveAll() {
    for (let at = 0; at < count; at++) {
      while (done.length < (at * calls * 0.96) / count) await progress.promise
      const id = ids[at % ids.length] as number
      const from = places.get(id) as System
      const to = otherSystem(from)
      const isTold = (at + Math.floor(at / ids.length)) % 2 === 0
      const move: Move = { id, to, isTold, begun: ++clock, ended: Number.POSITIVE_INFINITY }
      moves.push(move)
      await moveCustomer(id, world[from], world[to], isTold ? { events: new URL('/migrations', opsUrl) } : {})
      move.ended = ++clock
      places.set(id, to)
    }
  }

  try {
    await Promise.all([moveAll(), ...Array.from({ length: atOnce }, work)])
  } finally {
    caller.close()
  }
  return { done, moves, places, markOf: (id: number) => stateOf(id).mark }
}

/** Which moves explain what a call got. */
export function createExplanations(done: readonly Done[], moves: readonly Move[]) {
  const of = <T extends { readonly id: number | null }>(list: readonly T[]) => Map.groupBy(list, ({ id }) => id)
  const callsOf = of(done)
  const movesOf = of(moves)
  const overlap = (one: Done | Move, other: Done | Move) => one.begun < other.ended && other.begun < one.ended

  const settledAt = new Map<Move, number>()
  for (const move of moves) {
    const calls = callsOf.get(move.id) ?? []
    // What was under way during the move may still remember the old place; the first call after that notices.
    const last = Math.max(move.ended, ...calls.filter((call) => overlap(call, move)).map(({ ended }) => ended))
    const noticing = calls.filter(({ kind, begun }) => begun > last && kind !== 'account_list')
    const noticed = Math.min(Number.POSITIVE_INFINITY, ...noticing.map(({ ended }) => ended))
    settledAt.set(move, move.isTold ? move.ended : noticed)
  }

  /** Whether the customer was moving meanwhile. */
  const isMoving = (call: Done, id = call.id) => (movesOf.get(id ?? 0) ?? []).some((move) => overlap(call, move))

  /** Whether the gateway could not know yet where the customer is. */
  function isUnnoticed(call: Done): boolean {
    const before = (movesOf.get(call.id ?? 0) ?? []).findLast(({ ended }) => ended <= call.begun)
    return before !== undefined && call.begun < (settledAt.get(before) ?? 0)
  }

  /** Where the customer was during a call that no move disturbed. */
  const placeDuring = (call: Done): System =>
    (movesOf.get(call.id ?? 0) ?? []).findLast(({ ended }) => ended <= call.begun)?.to ??
    ((call.id ?? 0) % 3 === 0 ? 'target' : 'source')

  return { isMoving, isUnnoticed, placeDuring }
}

/** Rows of hostile requests, and what must hold for each of them whatever it is. For tests. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hosts, startWorld, type World } from './build.ts'
import { type RawAnswer, type Sent, sendRaw } from './raw-socket.ts'

export const host = hosts.customer
export const path = '/rest/Customer/get_customer_info'
/** A whole request that stands where a body or its rest is. A system that ever sees its path was made to. */
export const second = `POST /rest/Customer/smuggled HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`
/** In what must never be logged. */
export const secret = 'hunter2'

export const post = (headers: string, body = '') =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n${body}`
export const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`

export interface Row extends Omit<Sent, 'next'> {
  readonly name: string
  /** Of each answer. */
  readonly status: number | readonly number[]
  /** URL and body, in latin1, of what systems see of it; nothing where it is absent. */
  readonly sees?: readonly (readonly [url: string, body: string])[]
  /** Looks at what the system got, by the headers of the first of them. */
  readonly got?: (headers: ReadonlyMap<string, string>) => void
  readonly answered?: (answer: RawAnswer) => void
  /** It is one truly: nothing was made to. */
  readonly isPipelined?: boolean
}

/** The request got there once, as itself. */
export const once = (body = '', url = path): Pick<Row, 'status' | 'sees'> => ({ status: 500, sees: [[url, body]] })

const limits = { head: 300, body: 300, stalled: 300, eventLoopDelay: 0 }
const good = get('/good-request')
const isGood = ({ url }: { readonly url: string }) => url === '/good-request'

export const startHostileWorld = (t: Pick<TestContext, 'after'>, more: object = {}) =>
  startWorld(t, { limits, ...more })

const headersOf = (raw: readonly string[]) => {
  const headers = new Map<string, string>()
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const before = headers.get(name)
    headers.set(name, before === undefined ? (raw[at + 1] ?? '') : `${before} | ${raw[at + 1]}`)
  }
  return headers
}

async function check(world: World, row: Row) {
  const { url, source, target, logText } = world
  for (const { journal } of [source, target]) journal.clear()
  const begun = logText().length
  const { answers, rest, closed } = await sendRaw(url, { ...row, next: good })
  const wanted = [row.status].flat()
  // A connection that goes on has answered the good request too; one that ended had the answers, and nothing else.
  const statuses = answers.map(({ status }) => status)
  assert.deepEqual(statuses, closed ? wanted : [...wanted, 404], `${JSON.stringify(answers)} ${rest}`)
  assert.equal(rest, '')
  const [first] = answers
  if (row.sees === undefined && first !== undefined) {
    assert.ok(first.status >= 400 && first.status < 500)
    assert.doesNotMatch(first.head, /^x-dispatched-to/im)
    assert.ok(!first.body.includes(secret) && !first.body.includes('smuggled'))
  }
  // A request of its own, on a connection of its own, comes last: what came before it has been seen.
  const [other] = (await sendRaw(url, { bytes: good })).answers
  assert.equal(other?.status, 404)
  const entries = [...source.journal.entries, ...target.journal.entries].filter((entry) => !isGood(entry))
  const seen = entries.map((entry) => [entry.url, entry.body.toString('latin1')])
  // Two that come at once are under way at once.
  assert.deepEqual(new Set(seen), new Set(row.sees ?? []))
  assert.equal(seen.length, row.sees?.length ?? 0)
  if (row.got !== undefined) row.got(headersOf(entries[0]?.rawHeaders ?? []))
  if (row.answered !== undefined && first !== undefined) row.answered(first)
  const log = logText().slice(begun)
  if (row.isPipelined !== true) assert.ok(!log.includes('smuggled'), 'smuggled text in the log')
  assert.ok(!log.includes(secret), 'a secret in the log')
  assert.ok(!world.lines.some(({ level }) => level >= 50), 'an error in the log')
}

/** A test for each row, all before one gateway. */
export function testRows(rows: readonly Row[], world: World): void {
  const names = new Set<string>()
  for (const row of rows) {
    assert.ok(!names.has(row.name), row.name)
    names.add(row.name)
    test(row.name, { timeout: 10_000 }, () => check(world, row))
  }
}

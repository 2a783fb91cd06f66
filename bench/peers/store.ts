/**
 * A process with one of the stores: fills it with sessions, looks them up, and waits until all have expired. It has
 * nothing else in its memory, and no other process uses the store.
 */
import { hash } from 'node:crypto'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient } from 'redis'
import type { Backend, Change } from '../../plugins/store/backend.ts'
import { createFileBackend } from '../../plugins/store/file/index.ts'
import { createMemoryBackend } from '../../plugins/store/memory.ts'
import { createRedisBackend } from '../../plugins/store/redis/index.ts'
import type { Ready } from './reporting.ts'

/** What the gateway remembers of a login: the access token, the refresh token, the session id. */
const recordsPerSession = 3
const purpose = 'records'
const mostLookups = 20_000
/** Sessions under way at once. */
const concurrency = 32
const warmUpSessions = 10_000
/** The rate is that of one session at a time, into a full store. */
const writtenSessions = 10_000
/** Of all that are there, how many expire at once. */
const expiringSessions = 100_000
const hour = 3_600_000
/** For how long it is watched who removes what has expired, ms. */
const longestExpiryMs = 60_000

export interface StoreFigures {
  readonly bytesPerSession: number
  readonly writesPerSecond: number
  /** One at a time, us. */
  readonly p50: number
  readonly p99: number
  readonly expiry: Expiry
}

export interface Expiry {
  /** Until nothing was left of those that expired, at most `longestExpiryMs`, ms. */
  readonly tookMs: number
  /** What was still there of them by then: Redis leaves a tenth of all its keys to be found by chance. */
  readonly leftShare: number
  /** CPU time of whoever removes them, ms. */
  readonly busyMs: number
  /** The longest that a lookup took meanwhile, ms. */
  readonly longestMs: number
}

interface Measured {
  readonly backend: Backend
  bytes(): Promise<number>
  /** CPU time so far, ms. */
  cpuMs(): Promise<number>
  /** How many records are to be written at once, so that the store is filled soon. */
  readonly bulk: number
  /** How many records are there, expired or not; null where nobody removes what has expired. */
  count: (() => Promise<number>) | null
}

setFlagsFromString('--expose-gc')
setFlagsFromString('--max-old-space-size=12000')
const collect = runInNewContext('gc') as () => void
const ownCpuMs = () => Object.values(process.cpuUsage()).reduce((sum, us) => sum + us, 0) / 1000

function overMemory(records: number): Measured {
  const backend = createMemoryBackend(records)
  return {
    backend,
    async bytes() {
      collect()
      return process.memoryUsage.rss()
    },
    cpuMs: async () => ownCpuMs(),
    bulk: 20,
    // It has no timer: what has expired goes as it is looked up, or makes room.
    count: null
  }
}

function overFile(path: string): Measured {
  return {
    backend: createFileBackend(path),
    bytes: async () => statSync(path).size + statSync(`${path}-wal`).size,
    cpuMs: async () => ownCpuMs(),
    // Each write changes pages all over the file: many at once change the same ones.
    bulk: 2000,
    async count() {
      const database = new DatabaseSync(path, { readOnly: true })
      const row = database.prepare('SELECT count(*) AS records FROM entries').get()
      database.close()
      return Number(row?.records)
    }
  }
}

async function overRedis(url: string): Promise<Measured> {
  const client = await createClient({ url }).connect()
  const figure = async (section: string, name: string) => {
    const text = await client.info(section)
    return Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1])
  }
  return {
    backend: createRedisBackend(url),
    bytes: () => figure('memory', 'used_memory'),
    cpuMs: async () => ((await figure('cpu', 'used_cpu_user')) + (await figure('cpu', 'used_cpu_sys'))) * 1000,
    bulk: 4,
    count: () => client.dbSize()
  }
}

const keyOf = (session: number, record: number) => hash('sha256', `${session}.${record}`, 'base64url')

/** A session as `plugins/homes/records.ts` keeps it: each record names the other credentials. */
function changesOf(session: number, endsAt: number): Change[] {
  const keys = Array.from({ length: recordsPerSession }, (_, record) => keyOf(session, record))
  const now = Date.now()
  return keys.map((key, at) => {
    const record = { home: 'target', peers: keys.toSpliced(at, 1), at: now, ttlMs: 172_800_000 }
    return { key, value: JSON.stringify(record), ttlMs: endsAt - now }
  })
}

/** Writes sessions, so many at a time; gives how many records a second. */
async function fill({ backend }: Measured, sessions: number, atOnce: number, endsAt: number): Promise<number> {
  let next = 0
  async function writeSome() {
    while (next < sessions) {
      const some = Array.from({ length: Math.min(atOnce, sessions - next) }, () => next++)
      await backend.write(
        purpose,
        some.flatMap((session) => changesOf(session, endsAt))
      )
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, writeSome))
  return (sessions * recordsPerSession * 1000) / (performance.now() - start)
}

async function lookUp({ backend }: Measured, sessions: number) {
  const times: number[] = []
  const lookups = Math.min(mostLookups, 10 * sessions)
  for (let at = 0; at < lookups; at++) {
    const key = keyOf(Math.floor(Math.random() * sessions), at % recordsPerSession)
    const start = performance.now()
    if ((await backend.get(purpose, key)) === undefined) throw new Error('a session is not there')
    times.push((performance.now() - start) * 1000)
  }
  times.sort((a, b) => a - b)
  return { p50: times[lookups / 2] ?? Number.NaN, p99: times[lookups * 0.99] ?? Number.NaN }
}

/** Writes some of the sessions again, to expire soon; looks something up all the while until nothing is left of them, or a minute is over. */
async function expire(measured: Measured, sessions: number, pace: number): Promise<Expiry> {
  const { count } = measured
  if (count === null) return { tookMs: 0, leftShare: 0, busyMs: 0, longestMs: 0 }
  const expiring = Math.min(expiringSessions, sessions)
  const rest = (await count()) - expiring * recordsPerSession
  const endsAt = Date.now() + 1000 + (3000 * expiring * recordsPerSession) / pace
  await fill(measured, expiring, measured.bulk, endsAt)
  await delay(Math.max(0, endsAt - Date.now()))
  const before = await measured.cpuMs()
  const start = performance.now()
  let longestMs = 0
  let left = 0
  do {
    for (let looks = 0; looks < 20; looks++) {
      const asked = performance.now()
      await measured.backend.get(purpose, 'nothing')
      await delay(5)
      longestMs = Math.max(longestMs, performance.now() - asked - 5)
    }
    left = (await count()) - rest
  } while (left > 0 && performance.now() - start < longestExpiryMs)
  const leftShare = Math.max(left, 0) / (expiring * recordsPerSession)
  return { tookMs: performance.now() - start, leftShare, busyMs: (await measured.cpuMs()) - before, longestMs }
}

async function measure(measured: Measured, sessions: number): Promise<StoreFigures> {
  const { backend, bulk } = measured
  await backend.open({ onChanged() {}, onTold() {}, onHears() {}, onLost() {} })
  await fill(measured, Math.min(warmUpSessions, sessions), bulk, Date.now() + 1)
  const before = await measured.bytes()
  const pace = await fill(measured, sessions, bulk, Date.now() + hour)
  const { p50, p99 } = await lookUp(measured, sessions)
  const bytesPerSession = ((await measured.bytes()) - before) / sessions
  const writesPerSecond = await fill(measured, Math.min(writtenSessions, sessions), 1, Date.now() + hour)
  const expiry = await expire(measured, sessions, pace)
  await backend.close()
  return { bytesPerSession, writesPerSecond, p50, p99, expiry }
}

const [kind, place = '', sessions = '1'] = process.argv.slice(2)
const count = Number(sessions)
const measured =
  kind === 'memory' ? overMemory(count * recordsPerSession) : kind === 'file' ? overFile(place) : await overRedis(place)
process.on('message', async () => process.send?.(await measure(measured, count)))
process.once('disconnect', () => process.exit(0))
process.send?.({ ports: {} } satisfies Ready)

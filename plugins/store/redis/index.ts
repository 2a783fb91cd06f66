/**
 * The store in Redis or Valkey: one server, behind Sentinels, or a Cluster. Shared by every gateway that names the same
 * place and prefix. While it is away commands fail at once; it comes back by itself.
 */
import type { Backend, Change, Counted, Found } from '../backend.ts'
import { type RedisPlace, shownStore, storePlace } from '../place.ts'
import type { Command } from './client.ts'
import { createLink, type Link } from './link.ts'
import { createSweep } from './sweep.ts'
import { createWebClient, type WebClient } from './web-client.ts'

export interface RedisBackend extends Backend {
  /** What web sessions are kept by, whichever line there is. */
  readonly web: { readonly client: WebClient; readonly prefix: string }
}

export interface RedisOptions {
  /** Told of each failure of a connection, of many alike each time. */
  onTrouble?(error: Error): void
  /** Until what a forgotten purpose has left is removed. */
  readonly sweepMs?: number
}

const usualSweepMs = 60_000

function commandOf(space: string, change: Change, onlyNew: boolean): Command {
  const name = space + change.key
  if (change.value === null) return ['DEL', name]
  if (change.ttlMs <= 0) return onlyNew ? ['EXISTS', name] : ['DEL', name]
  return ['SET', name, change.value, 'PX', String(Math.ceil(change.ttlMs)), ...(onlyNew ? ['NX'] : [])]
}

function redisPlace(url: string): RedisPlace {
  const place = storePlace(url)
  if (place.kind !== 'redis') throw new Error(`${JSON.stringify(shownStore(url))} is no URL of Redis`)
  return place
}

async function get({ ask }: Link, name: string): Promise<Found | undefined> {
  const [value, restMs] = await ask((line) => Promise.all([line.send(['GET', name]), line.send(['PTTL', name])]))
  return value === null ? undefined : { value: value as string, restMs: Math.max(0, Number(restMs)) }
}

async function increment({ ask }: Link, name: string, windowMs: number): Promise<Counted> {
  const [, count, restMs] = await ask((line) =>
    line.sendTogether([
      ['SET', name, '0', 'PX', String(Math.ceil(windowMs)), 'NX'],
      ['INCR', name],
      ['PTTL', name]
    ])
  )
  return { count: Number(count), restMs: Math.max(0, Number(restMs)) }
}

/** Counts a purpose's generation up; gives the new one. */
async function countUp({ ask, names: { generations } }: Link, purpose: string): Promise<number> {
  const [, generation] = await ask((line) =>
    line.sendTogether([
      ['HSETNX', generations, purpose, String(Date.now())],
      ['HINCRBY', generations, purpose, '1']
    ])
  )
  return Number(generation)
}

async function* entriesOf({ line, send }: Link, space: string) {
  // A scan may come by a key twice.
  const seen = new Set<string>()
  for await (const page of line().scan(`${space}*`)) {
    const keys = page.filter((key) => !seen.has(key))
    const values = await Promise.all(keys.map((key) => send(['GET', key])))
    for (const [at, key] of keys.entries()) {
      seen.add(key)
      const value = values[at]
      if (typeof value === 'string') yield [key.slice(space.length), value] as const
    }
  }
}

export function createRedisBackend(
  url: string,
  { onTrouble = () => {}, sweepMs = usualSweepMs }: RedisOptions = {}
): RedisBackend {
  const link = createLink(redisPlace(url), onTrouble)
  const { names, state, line, send } = link
  const sweep = createSweep({ names, line, generationOf: state.generationOf, onTrouble, everyMs: sweepMs })
  const spaceOf = (purpose: string) => names.space(purpose, state.generationOf(purpose))

  return {
    isShared: true,
    get lostAt() {
      return state.lostAt()
    },
    web: { client: createWebClient(send, (pattern) => line().scan(pattern)), prefix: names.web },
    open: (hearing) => link.open(hearing),
    get: (purpose, key) => get(link, spaceOf(purpose) + key),
    async write(purpose, changes, onlyNew = false) {
      const space = spaceOf(purpose)
      const commands = changes.map((change) => commandOf(space, change, onlyNew))
      await link.write(commands, { kind: 'changed', purpose, keys: changes.map(({ key }) => key) })
    },
    async clear(purpose) {
      const generation = await countUp(link, purpose)
      state.learn(purpose, generation)
      sweep.note(purpose)
      await link.tell({ kind: 'cleared', purpose, generation })
    },
    entries: (purpose) => entriesOf(link, spaceOf(purpose)),
    increment: (purpose, key, windowMs) => increment(link, spaceOf(purpose) + key, windowMs),
    tell: (purpose, text) => link.tell({ kind: 'told', purpose, text }),
    async close() {
      sweep.stop()
      await link.close()
    }
  }
}

/**
 * What remembering a session costs in each store: memory, time to write and to look up, and what it takes to be rid of
 * a hundred thousand that expire at once.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../fleet/ports.ts'
import { type Crew, createCrew } from './children.ts'
import type { StoreFigures } from './peers/store.ts'
import { findTool } from './peers/tools.ts'
import { surroundings, tableOf } from './table.ts'

export interface StoresOptions {
  readonly sessions: number
}

const redis = 'redis-server'
const hasRedis = () => findTool(redis) !== null

/** Starts one that keeps nothing on disk; gives its URL. */
async function startRedis(crew: Crew, directory: string): Promise<string> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(redis, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  crew.adopt(child)
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) return `redis://127.0.0.1:${port}`
  }
  throw new Error(`${redis} has ended`)
}

async function measure(kind: string, sessions: number): Promise<StoreFigures> {
  const crew = createCrew()
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-bench-'))
  try {
    const place = kind === 'Redis' ? await startRedis(crew, directory) : join(directory, 'store.db')
    const child = await crew.start('peers/store.ts', [kind, place, String(sessions)])
    return (await child.ask('measure')) as StoreFigures
  } finally {
    await crew.dismiss()
    rmSync(directory, { recursive: true, force: true })
  }
}

const rowOf = (kind: string, { bytesPerSession, writesPerSecond, p50, p99, expiry }: StoreFigures) => [
  kind,
  bytesPerSession.toFixed(0),
  writesPerSecond.toFixed(0),
  p50.toFixed(0),
  p99.toFixed(0),
  (expiry.tookMs / 1000).toFixed(1),
  `${(expiry.leftShare * 100).toFixed(0)} %`,
  (expiry.busyMs / 1000).toFixed(1),
  expiry.longestMs.toFixed(0)
]

const columns = [
  'bytes/session',
  'writes/s',
  'lookup p50 us',
  'p99 us',
  'expiry s',
  'left',
  'of it CPU s',
  'longest wait ms'
]

export async function benchStores({ sessions }: StoresOptions, print: (text: string) => void) {
  print(`\n# stores\n${surroundings('stores', `--sessions ${sessions}`)}\n`)
  const kinds = hasRedis() ? ['memory', 'file', 'Redis'] : ['memory', 'file']
  const rows: string[][] = []
  for (const kind of kinds) {
    const row = rowOf(kind, await measure(kind, sessions))
    rows.push(row)
    // A run takes long: what is measured stays, though it may be cut off.
    print(`measured: ${row.join(', ')}`)
  }
  print(tableOf([`${sessions} sessions`, ...columns], rows))
  if (!hasRedis()) print(`\nRedis is left out: there is no ${redis} on PATH`)
}

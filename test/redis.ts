/**
 * Redis for a test: the one that REDIS_URL names, or a redis-server of its own, on a free port, in a temporary folder,
 * keeping nothing, and ended with the test. Where there is none, tests say so and are skipped; with CI=true they fail.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { freePort } from '../fleet/ports.ts'

const program = 'redis-server'
const isOnPath = (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)))
const mustRun = process.env.CI === 'true'

/** Why a test that starts and stops Redis is skipped; false when it is not. */
export const withoutRedisServer = isOnPath || mustRun ? false : `there is no ${program} on PATH`
/** Why a test is skipped to which any Redis will do; false when it is not. */
export const withoutRedis = process.env.REDIS_URL === undefined && withoutRedisServer

export interface TestRedis {
  readonly port: number
  readonly url: string
  /** Kills it; what it kept is gone. */
  stop(): Promise<void>
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>
  /** It hangs, until it goes on. */
  hang(): void
  goOn(): void
}

type Context = Pick<TestContext, 'after'>

export function temporaryFolder(t: Context): string {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Starts it and waits until its log says that it has started. */
async function startServer(args: readonly string[], directory: string): Promise<ChildProcess> {
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  const spawned = once(child, 'spawn')
  await spawned.catch((error: Error) => {
    throw new Error(`${program} does not start: ${error.message}`)
  })
  for await (const line of createInterface({ input: child.stdout })) {
    if (/Ready to accept connections|Sentinel ID is/.test(line)) {
      child.stdout.resume()
      return child
    }
  }
  throw new Error(`${program} ${args.join(' ')} has ended`)
}

async function kill(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Starts it in a folder, and ends it with the test. */
export async function startRedisProgram(t: Context, args: readonly string[], directory: string) {
  const child = await startServer(args, directory)
  t.after(() => kill(child))
}

/** A redis-server of the test's own; the arguments go before those it always has. */
export async function startTestRedis(t: Context, args: readonly string[] = []): Promise<TestRedis> {
  const directory = temporaryFolder(t)
  const port = await freePort()
  const all = [...args, '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  let child = await startServer(all, directory)
  t.after(() => kill(child))
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    stop: () => kill(child),
    async start() {
      child = await startServer(all, directory)
    },
    hang: () => child.kill('SIGSTOP'),
    goOn: () => child.kill('SIGCONT')
  }
}

/** The URL of any Redis; tests that use it keep apart by the prefix of their keys. */
export async function testRedisUrl(t: Context): Promise<string> {
  return process.env.REDIS_URL ?? (await startTestRedis(t)).url
}

/**
 * The fleet's processes, each a group of its own, so that it ends with all that it has started, and so that the terminal's
 * Ctrl-C reaches none of them. What they write goes to a file each, in the fleet's folder.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endGroup, type Told } from './keeping.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Running {
  readonly name: string
  readonly pid: number
  /** How it ended: its exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  isRunning(): boolean
  /** The end of what it has written. */
  lastWords(): string
  signal(name: NodeJS.Signals): void
  /** Ends it and all that it has started, at once, and waits until it is gone. */
  kill(): Promise<void>
}

/** Only what a process needs of ours: nothing of the environment may change what is tested. */
function inherited() {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE: cache } = process.env
  return { PATH, HOME, ...(cache !== undefined && { NODE_COMPILE_CACHE: resolve(cache) }) }
}

async function pidOf(child: ChildProcess, program: string): Promise<number> {
  if (child.pid !== undefined) return child.pid
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
  throw new Error(`${program} cannot be started (${error.code})`, { cause: error })
}

export function createProcesses() {
  const folder = mkdtempSync(join(tmpdir(), 'webdispatcher-fleet-'))
  const keeper = fork(fileURLToPath(new URL('keeper.ts', import.meta.url)), [folder], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const tell = (told: Told) => {
    if (keeper.connected) keeper.send(told)
  }
  const running = new Set<Running>()
  const logFile = (name: string) => join(folder, `${name}.log`)
  const logOf = (name: string) => readFileSync(logFile(name), 'utf8')

  return {
    folder,
    /** What a process of this name has written so far, over all its lives. */
    log: logOf,

    async start(name: string, { program, args, env = {} }: Command): Promise<Running> {
      const log = openSync(logFile(name), 'a')
      const child = spawn(program, args, {
        detached: true,
        cwd: folder,
        env: { ...inherited(), ...env },
        stdio: ['ignore', log, log]
      })
      closeSync(log)
      const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
      ended.catch(() => {})
      const pid = await pidOf(child, program)
      tell({ begun: pid })
      const isRunning = () => child.exitCode === null && child.signalCode === null
      const one: Running = {
        name,
        pid,
        ended,
        isRunning,
        lastWords: () => logOf(name).trim().slice(-1000),
        signal(signal) {
          if (isRunning()) process.kill(pid, signal)
        },
        async kill() {
          if (isRunning()) endGroup(pid)
          await ended
        }
      }
      running.add(one)
      ended.then(
        () => {
          running.delete(one)
          // What it has started and left behind.
          endGroup(pid)
          tell({ ended: pid })
        },
        () => {}
      )
      return one
    },

    async end() {
      await Promise.all([...running].map((one) => one.kill()))
      if (keeper.connected) {
        const gone = once(keeper, 'exit')
        keeper.disconnect()
        await gone
      }
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export type Processes = ReturnType<typeof createProcesses>

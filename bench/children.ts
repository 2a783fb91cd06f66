/**
 * The processes of a run: started, measured, and killed at its end, whatever happens.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Ready, Usage } from './peers/reporting.ts'

/** Linux counts processes' time in ticks of 1/100 s, whatever the kernel's own are (proc_pid_stat(5)). */
const tickMicroseconds = 10_000
const startMs = 20_000

export interface Measured {
  usage(): Promise<Usage>
}

export interface Listening extends Measured {
  readonly ports: Ready['ports']
}

export interface Child extends Listening {
  /** What the process itself says to a question that its module answers, one at a time. */
  ask(question: string): Promise<unknown>
}

export interface Crew {
  /** Forks a module of this folder and waits until it listens, 20 s when no other patience is given. */
  start(module: string, args: readonly string[], patienceMs?: number): Promise<Child>
  /** Takes a process in that was started otherwise. */
  adopt(process: ChildProcess): Measured
  /** Kills all of them and waits until they are gone. */
  dismiss(): Promise<void>
}

export const hasProc = existsSync('/proc/self/stat')

function usageFromProc(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the command in parentheses, which may have blanks; utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return {
    cpuMicroseconds: (Number(fields[11]) + Number(fields[12])) * tickMicroseconds,
    residentBytes: Number(kilobytes) * 1024
  }
}

async function ask(child: ChildProcess, question: string): Promise<unknown> {
  child.send(question)
  const [answer] = await once(child, 'message')
  return answer
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  return hasProc ? usageFromProc(child.pid ?? 0) : ((await ask(child, 'usage')) as Usage)
}

async function readyOf(child: ChildProcess, module: string, patienceMs: number): Promise<Ready> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), patienceMs)
  const exited = once(child, 'exit', { signal: patience.signal }).then(([code]) => {
    throw new Error(`${module} ended with ${code} before it listened`)
  })
  exited.catch(() => {})
  try {
    const [ready] = await Promise.race([once(child, 'message', { signal: patience.signal }), exited])
    return ready as Ready
  } finally {
    clearTimeout(timer)
    patience.abort()
  }
}

export function createCrew(): Crew {
  const children: ChildProcess[] = []
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  process.once('exit', killAll)

  function adopt(child: ChildProcess): Measured {
    children.push(child)
    return { usage: () => usageOf(child) }
  }

  return {
    adopt,
    async start(module, args, patienceMs = startMs) {
      const file = fileURLToPath(new URL(module, import.meta.url))
      const child = fork(file, [...args], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      const measured = adopt(child)
      const { ports } = await readyOf(child, module, patienceMs)
      return { ...measured, ports, ask: (question) => ask(child, question) }
    },
    async dismiss() {
      const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      const gone = Promise.all(running.map((child) => once(child, 'exit')))
      killAll()
      await gone
      process.off('exit', killAll)
    }
  }
}

/**
 * A command that runs for minutes: its output, Ctrl-C, and its exit code.
 */
import { BadOption } from './options.ts'

export interface Terminal {
  readonly print: (text: string) => void
  /** A line with the time since this was asked for. */
  stopwatch(): (line: string) => void
  readonly stopped: AbortSignal
}

const print = (text: string) => {
  process.stdout.write(`${text}\n`)
}

function stopwatch() {
  const begun = performance.now()
  return (line: string) => print(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}`)
}

/** A mistake of whoever typed it needs no stack. */
function toldOf(error: unknown) {
  const isMistake = error instanceof BadOption || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  return isMistake ? `${(error as Error).message}\nTry --help.` : (error as Error).stack
}

/** `main` gives the exit code; 1 where it throws, 130 where it was ended before its time. */
export async function runCommand(main: (args: readonly string[], terminal: Terminal) => Promise<number>) {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  try {
    process.exitCode = await main(process.argv.slice(2), { print, stopwatch, stopped: stopped.signal })
  } catch (error) {
    const isStopped = stopped.signal.aborted
    process.stderr.write(isStopped ? 'ended before its time\n' : `${toldOf(error)}\n`)
    process.exitCode = isStopped ? 130 : 1
  }
}

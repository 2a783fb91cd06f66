/**
 * The soak's command: flags, the run, exit code.
 */
import { cpus } from 'node:os'
import { BadOption, help, parseOptions } from './options.ts'
import { reportOf } from './report.ts'
import { soak } from './soak.ts'

const print = (text: string) => {
  process.stdout.write(`${text}\n`)
}

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args)
  if (options === null) {
    print(help)
    return 0
  }
  const { seconds, seed, rate, customers } = options
  print(`npm run soak -- --seconds ${seconds} --seed ${seed} --rate ${rate} --customers ${customers}`)
  print(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}`)
  const begun = performance.now()
  const tell = (phase: string) => print(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${phase}`)
  const { text, isPassed } = reportOf(await soak(options, stopped.signal, tell), options)
  print(`\n${text}`)
  return isPassed ? 0 : 1
}

/** A mistake of whoever typed it needs no stack. */
const toldOf = (error: unknown) => {
  if (error instanceof BadOption || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS'))
    return (error as Error).message
  return (error as Error).stack
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isStopped = stopped.signal.aborted
  process.stderr.write(isStopped ? 'ended before its time\n' : `${toldOf(error)}\n`)
  process.exitCode = isStopped ? 130 : 1
}

/**
 * The drill's command: flags, the run, exit code.
 */
import { cpus } from 'node:os'
import type { Terminal } from '../../soak/command.ts'
import { isComplete } from '../complete.ts'
import { drill } from './drill.ts'
import { drillHelp, parseDrill } from './options.ts'
import { drillReport } from './report.ts'

export async function drillCommand(args: readonly string[], { print, stopwatch, stopped }: Terminal): Promise<number> {
  const options = parseDrill(args)
  if (options === null) {
    print(drillHelp)
    return 0
  }
  if (!isComplete()) return 1
  const { seconds, seed, rate, customers, workers } = options
  const flags = Object.entries({ seconds, seed, rate, customers, workers }).map(([name, value]) => `--${name} ${value}`)
  print(`npm run fleet -- --drill ${flags.join(' ')}`)
  print(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}`)
  const { text, isPassed } = drillReport(await drill({ options, signal: stopped, print: stopwatch() }))
  print(`\n${text}`)
  return isPassed ? 0 : 1
}

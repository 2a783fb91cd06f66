/**
 * The command: flags, the run, exit code.
 */
import { cpus } from 'node:os'
import { isComplete } from '../fleet/complete.ts'
import { runCommand, type Terminal } from '../soak/command.ts'
import { spendNight } from './night.ts'
import { help, parseNight } from './options.ts'
import { nightReport } from './report.ts'

async function main(args: readonly string[], { print, stopwatch, stopped }: Terminal): Promise<number> {
  const options = parseNight(args)
  if (options === null) {
    print(help)
    return 0
  }
  if (!isComplete()) return 1
  const { waitMs: wait, ...rest } = options
  const flags = Object.entries({ ...rest, wait }).map(([name, value]) => `--${name} ${value}`)
  print(`npm run night -- ${flags.join(' ')}`)
  print(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}`)
  const night = await spendNight({ options, signal: stopped, print: stopwatch() })
  const { text, isPassed } = nightReport(night, options)
  print(`\n${text}`)
  return isPassed ? 0 : 1
}

await runCommand(main)

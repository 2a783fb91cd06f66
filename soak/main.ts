/**
 * The soak's command: flags, the run, exit code.
 */
import { cpus } from 'node:os'
import { runCommand, type Terminal } from './command.ts'
import { help, parseOptions } from './options.ts'
import { reportOf } from './report.ts'
import { soak } from './soak.ts'

async function main(args: readonly string[], { print, stopwatch, stopped }: Terminal): Promise<number> {
  const options = parseOptions(args)
  if (options === null) {
    print(help)
    return 0
  }
  const { seconds, seed, rate, customers } = options
  print(`npm run soak -- --seconds ${seconds} --seed ${seed} --rate ${rate} --customers ${customers}`)
  print(`node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown processor'}`)
  const { text, isPassed } = reportOf(await soak(options, stopped, stopwatch()), options)
  print(`\n${text}`)
  return isPassed ? 0 : 1
}

await runCommand(main)

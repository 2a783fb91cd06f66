/**
 * What a second worker is worth: requests per second of `workers: 2` against `workers: 1`, and in the same rounds what two
 * processes are worth that only count. The load, the systems and the gateway share the machine, so both are as cheap as
 * can be: wrk, and an haproxy that answers by itself. They still take a good part of two cores, so what is judged is what
 * the CPU that two workers need for a request, their supervisor's included, makes of two cores of their own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCrew } from '../children.ts'
import { findTool } from '../peers/tools.ts'
import { surroundings } from '../table.ts'
import type { TurnOptions } from '../turns.ts'
import { calls, startGateway } from './gateways.ts'
import { startSystems } from './systems.ts'
import { loadBy, measure, scriptOf } from './turns.ts'
import { judge, show } from './verdict.ts'

/** Gives false when the goal is missed; throws when an answer is wrong. */
export async function benchWorkers(options: TurnOptions, print: (text: string) => void): Promise<boolean> {
  const { seconds, rounds, connections } = options
  print(
    `\n# workers\n${surroundings('workers', `--seconds ${seconds} --rounds ${rounds} --connections ${connections}`)}`
  )
  const [wrk, haproxy] = [findTool('wrk'), findTool('haproxy')]
  if (wrk === null || haproxy === null) {
    print(`${wrk === null ? 'wrk' : 'haproxy'}: absent, so nothing was measured`)
    return true
  }
  const directory = mkdtempSync(join(tmpdir(), 'bench-workers-'))
  const crew = createCrew()
  try {
    const systems = await startSystems(crew, haproxy, directory)
    const gateways = [
      await startGateway(crew, directory, 1, systems),
      await startGateway(crew, directory, 2, systems)
    ] as const
    print('load (wrk) and systems (haproxy) are on the same machine; median (least-most) of the rounds')
    let isFine = true
    for (const call of calls) {
      const script = join(directory, 'call.lua')
      writeFileSync(script, scriptOf(call))
      const figures = await measure((port) => loadBy(wrk, script, port, options), gateways, options)
      show(call, figures, print)
      isFine = judge(figures, print) && isFine
    }
    return isFine
  } finally {
    await crew.dismiss()
    rmSync(directory, { recursive: true })
  }
}

/**
 * One worker and two in turns, under the same load, and what two processes are worth that only count.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TurnOptions } from '../turns.ts'
import type { Call, Running } from './gateways.ts'

const run = promisify(execFile)

/** The same request as wrk's own script has it. */
export function scriptOf({ request }: Call): string {
  const [head = '', body = ''] = request.toString().split('\r\n\r\n')
  const [line = '', ...headers] = head.split('\r\n')
  const told = headers.filter((header) => !header.startsWith('Content-Length'))
  return [
    'wrk.method = "POST"',
    `wrk.path = "${line.split(' ')[1]}"`,
    ...told.map((header) => `wrk.headers["${header.split(': ', 1)[0]}"] = "${header.slice(header.indexOf(': ') + 2)}"`),
    `wrk.body = [[${body}]]`
  ].join('\n')
}

export async function loadBy(
  wrk: string,
  file: string,
  port: number,
  { seconds, connections }: TurnOptions
): Promise<number> {
  const args = ['-t', '1', '-c', String(connections), '-d', `${Math.ceil(seconds)}s`, '-s', file]
  const { stdout } = await run(wrk, [...args, `http://127.0.0.1:${port}`])
  const wrong = /Non-2xx.*|Socket errors.*/.exec(stdout)
  if (wrong !== null) throw new Error(`wrk: ${wrong[0]}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

/** Counts for so long, and says how far it came. */
const counting = (ms: number) => `
let rounds = 0
let sum = 0
const end = performance.now() + ${ms}
while (performance.now() < end) {
  for (let at = 0; at < 1e6; at++) sum = (sum * 31 + at) | 0
  rounds++
}
process.stdout.write(String(rounds + (sum & 0)))`

async function countBy(processes: number, seconds: number): Promise<number> {
  const each = Array.from({ length: processes }, () => run(process.execPath, ['-e', counting(seconds * 1000)]))
  return (await Promise.all(each)).reduce((sum, { stdout }) => sum + Number(stdout), 0)
}

export interface Turn {
  readonly perSecond: number
  /** Of the gateway's processes. */
  readonly cpuMicroseconds: number
}

export interface Figures {
  readonly one: Turn[]
  readonly two: Turn[]
  readonly ratio: number[]
  /** Two workers with two cores to themselves, against one worker. */
  readonly alone: number[]
  readonly ceiling: number[]
}

async function turnOf({ port, cpuSeconds }: Running, load: (port: number) => Promise<number>): Promise<Turn> {
  const [cpu, begun] = [cpuSeconds(), performance.now()]
  const perSecond = await load(port)
  const requests = (perSecond * (performance.now() - begun)) / 1000
  return { perSecond, cpuMicroseconds: ((cpuSeconds() - cpu) * 1e6) / requests }
}

export async function measure(
  load: (port: number) => Promise<number>,
  gateways: readonly [Running, Running],
  options: TurnOptions
) {
  const figures: Figures = { one: [], two: [], ratio: [], alone: [], ceiling: [] }
  // A single round is for whoever wants to see that it works.
  for (let round = options.rounds > 1 ? 0 : 1; round <= options.rounds; round++) {
    const isEven = round % 2 === 0
    const first = await turnOf(gateways[isEven ? 0 : 1], load)
    const second = await turnOf(gateways[isEven ? 1 : 0], load)
    const [one, two] = isEven ? [first, second] : [second, first]
    const ceiling = (await countBy(2, options.seconds)) / (await countBy(1, options.seconds))
    // The first one only warms up.
    if (round === 0) continue
    figures.one.push(one)
    figures.two.push(two)
    figures.ratio.push(two.perSecond / one.perSecond)
    figures.alone.push(2e6 / two.cpuMicroseconds / one.perSecond)
    figures.ceiling.push(ceiling)
  }
  return figures
}

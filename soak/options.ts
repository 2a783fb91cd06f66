/**
 * The soak's flags, and how its time is divided.
 */
import { parseArgs } from 'node:util'

export const help = `Usage: npm run soak -- [--seconds N] [--seed N] [--rate N] [--customers N]

Runs the gateway before two simulated systems under a mixed load, with a dead source, with every fault of the simulator,
with customers who move and systems that restart; then compares what clients saw with the systems' own journals.

  --seconds N    how long the load runs; 300. Below 180 the latencies are not judged
  --seed N       of everything that is left to chance; a random one when absent
  --rate N       requests per second, whatever the answers do; 300
  --customers N  of both systems together; 600
  --help         this text

Exit code 1: a limit was passed, and the output names it. 130: ended by Ctrl-C.
`

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  readonly rate: number
  readonly customers: number
  /** How long the systems keep idle connections, ms; the gateway gives them up two seconds before. */
  readonly idleMs: number
}

const flags = {
  seconds: { type: 'string', default: '300' },
  seed: { type: 'string' },
  rate: { type: 'string', default: '300' },
  customers: { type: 'string', default: '600' },
  help: { type: 'boolean', short: 'h' }
} as const

/** The smaller of both systems' halves must still have enough people for everybody's part. */
export const fewestCustomers = 60
export const fewestSeconds = 3

export class BadOption extends Error {
  override readonly name = 'BadOption'
}

export function integer(flag: string, text: string, least: number): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < least) {
    throw new BadOption(`--${flag}: ${JSON.stringify(text)} is not a whole number from ${least} up`)
  }
  return value
}

/** Null for --help. */
export function parseOptions(args: readonly string[]): SoakOptions | null {
  const { values } = parseArgs({ args: [...args], options: flags })
  if (values.help) return null
  const seconds = integer('seconds', values.seconds, fewestSeconds)
  return {
    seconds,
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : integer('seed', values.seed, 0),
    rate: integer('rate', values.rate, 20),
    customers: integer('customers', values.customers, fewestCustomers),
    idleMs: seconds < 30 ? 3000 : 5000
  }
}

export interface Timetable {
  readonly warmUpMs: number
  readonly calmMs: number
  /** Of each of the windows that are compared. */
  readonly windowMs: number
  readonly pairs: number
  /** Before the first window, and between a source's return and the next one. */
  readonly settlingMs: number
  readonly faultsMs: number
  /** Whether the windows are long enough to compare latencies. */
  readonly isLong: boolean
}

/** In shorter windows what a death costs at its first moment, until the breaker or the probes know, is all there is. */
const judgedWindowMs = 3000

const clamp = (value: number, least: number, most: number) => Math.round(Math.min(Math.max(value, least), most))

export function timetableOf({ seconds }: Pick<SoakOptions, 'seconds'>): Timetable {
  const all = seconds * 1000
  const warmUpMs = clamp(all * 0.1, 600, 20_000)
  const calmMs = clamp(all * 0.06, 300, 20_000)
  // Many short windows rather than few long ones: what else the machine does comes and goes within half a minute.
  const pairs = seconds >= 60 ? 10 : 1
  const windowMs = clamp(all / 60, 400, 5000)
  const settlingMs = Math.min(1000, windowMs)
  const rest = all - warmUpMs - calmMs - pairs * (2 * windowMs + settlingMs)
  return {
    warmUpMs,
    calmMs,
    windowMs,
    pairs,
    settlingMs,
    faultsMs: clamp(rest, all * 0.3, all),
    isLong: windowMs >= judgedWindowMs
  }
}

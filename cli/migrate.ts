/**
 * webdispatcher migrate: tells the gateway that customers begin to move, have moved, or stay.
 */
import { exitCodes, wrongUsage } from './errors.ts'
import { readText } from './files.ts'
import { readArguments } from './flags.ts'
import { readIds } from './ids.ts'
import { createProgress } from './lines.ts'
import { createOpsClient } from './ops-client.ts'
import type { Surroundings } from './surroundings.ts'
import { type Plan, type Told, tellAll } from './telling.ts'

export const migrateHelp = `Usage: webdispatcher migrate start|finish|fail [--to source|target] (N... | --file FILE | -)

  start           their writes are held back from now on; it ends once none is under way: then export them
  finish          they are on their new system: all of their calls go there at once
  fail            they stay where they were

Telling the same again does no harm. A list is numbers in lines, with spaces or commas between, or JSON; # begins a comment.

  --file FILE     the list; - is the input
  --to SYSTEM     where they go; start takes the target otherwise, finish and fail what start was told
  --batch N       customers told at a time, 500 by default
  --patience S    seconds in which a batch is told again while its writes do not end, 120 by default
`

const words = {
  start: { state: 'started', done: 'started' },
  finish: { state: 'finished', done: 'finished' },
  fail: { state: 'failed', done: 'taken back' }
} as const
type Verb = keyof typeof words

export const migrateFlags = {
  file: { type: 'string' },
  to: { type: 'string' },
  batch: { type: 'string', default: '500' },
  patience: { type: 'string', default: '120' }
} as const

/** The most that a gateway is told at once. */
const largestBatch = 10_000

function numberIn(flag: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (number < least || number > most)
    throw wrongUsage(`${flag}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`)
  return number
}

function systemIn(to: string | undefined, verb: Verb): Plan['to'] {
  if (to === undefined) return verb === 'start' ? 'target' : undefined
  if (to === 'source' || to === 'target') return to
  throw wrongUsage(`--to: ${JSON.stringify(to)} is not source or target`)
}

async function readList(file: string, { readInput }: Surroundings): Promise<number[]> {
  return file === '-' ? readIds(await readInput(), 'input') : readIds(readText(file), file)
}

async function idsFrom(given: readonly string[], file: string | undefined, surroundings: Surroundings) {
  const isInput = given.length === 1 && given[0] === '-'
  if (file !== undefined && given.length > 0) throw wrongUsage('numbers, or --file; not both')
  const ids =
    file !== undefined || isInput ? await readList(file ?? '-', surroundings) : readIds(given.join('\n'), 'arguments')
  if (ids.length === 0) throw wrongUsage('there is no customer in the list: nothing was told')
  return ids
}

/** What was done, exactly: whoever reads it decides what may be exported. */
export function sumUp({ done, stopped }: Told, ids: readonly number[], verb: Verb): string {
  const sum = `${done} of ${ids.length} ${words[verb].done}`
  if (stopped === null) return sum
  const { left, mayBe, why } = stopped
  const [first, last] = [ids[done], ids[done + left - 1]]
  const which = left === 1 ? `customer ${first}` : `${left} customers from ${first} to ${last} of the list`
  const state = {
    untold: `${which}: not told`,
    fenced: `${which}: their writes are held back, but some that began before may be under way: do not export them yet`,
    unknown: `${which}: told, but whether the gateway has taken it is not known`
  }[mayBe]
  const untold = ids.length - done - left
  const rest = untold === 0 ? [] : [`the other ${untold}: not told`]
  return [sum, state, ...rest, why, 'the same command again does no harm'].join('\n')
}

export async function migrate(args: readonly string[], surroundings: Surroundings) {
  const { values, positionals } = readArguments(args, migrateFlags)
  const [verb = '', ...given] = positionals
  if (!Object.hasOwn(words, verb)) throw wrongUsage(`migrate: ${JSON.stringify(verb)} is not start, finish or fail`)
  const { state, done } = words[verb as Verb]
  const ids = await idsFrom(given, values.file, surroundings)
  const batch = numberIn('--batch', values.batch, 1, largestBatch)
  const patienceMs = 1000 * numberIn('--patience', values.patience, 0, 86_400)
  const { signal, out, err } = surroundings
  const progress = createProgress(err, ids.length)
  progress.show(0, done)
  const plan = { ids, state, to: systemIn(values.to, verb as Verb), batch, patienceMs, signal }
  let shown = 0
  const told = await tellAll(createOpsClient(values, surroundings), plan, (text, count) => {
    progress.show(count, done)
    if (values.json) out.write(`${text}\n`)
    else if (!err.isTTY && count > shown && count < ids.length) out.write(`${count} of ${ids.length} ${done}\n`)
    shown = count
  })
  progress.end()
  const sum = sumUp(told, ids, verb as Verb)
  if (told.stopped !== null) err.write(`${sum}\n`)
  else if (!values.json) out.write(`${sum}\n`)
  return told.stopped === null ? exitCodes.done : told.stopped.exitCode
}

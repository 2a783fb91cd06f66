/**
 * The CPU that merging two pages of 200 rows takes, spliced against parsed.
 */
import { medianOf, spreadOf, tableOf } from '../table.ts'
import type { Stage } from './stage.ts'
import { type Bodies, parseAndMerge, scanned, splice } from './two-ways.ts'

interface Pair {
  readonly name: string
  readonly bodies: Bodies
  /** Whether the ratio decides how the run ends. */
  readonly isLimited: boolean
}

interface Cost {
  readonly splicedMs: number
  readonly parsedMs: number
}

const limit = 200
const ratioAtMost = 0.5
const batchesPerRound = 6
/** Until V8 has compiled both ways. */
const warmUpBatches = 10
const pagesPerBatch = 10

/** Rows of about 500 bytes, as narrower lists have them: the first members of each, byte for byte. */
function narrow(body: Buffer): Buffer {
  const rows = scanned(body).rows.map(({ start, end }) => {
    const row = body.toString('utf8', start, end)
    return `${row.slice(0, row.indexOf(',"phone1"'))}}`
  })
  return Buffer.from(`{"customer_list":[${rows.join(',')}]}`)
}

const toAscii = (body: Buffer) => Buffer.from(body.toString().replace(/\P{ASCII}/gu, 'x'))

const eachOf = ({ source, target }: Bodies, change: (body: Buffer) => Buffer): Bodies => ({
  source: change(source),
  target: change(target)
})

async function readPairs(stage: Stage): Promise<Pair[]> {
  const params = { limit, offset: 0, order_by: 'name' }
  const source = await stage.source.list({ ...params, skip_exported: 1 })
  const target = await stage.target.list(params)
  const whole = { source: source.body, target: target.body }
  const narrowed = eachOf(whole, narrow)
  return [
    { name: 'narrow rows', bodies: narrowed, isLimited: true },
    { name: 'rows as they are', bodies: whole, isLimited: true },
    { name: 'narrow rows, ASCII alone', bodies: eachOf(narrowed, toAscii), isLimited: false }
  ]
}

/** CPU of this process for one page, all its threads: its garbage is a part of what a page costs. */
async function cpuMsOf(merge: () => Buffer | Promise<Buffer>): Promise<number> {
  const before = process.cpuUsage()
  for (let page = 0; page < pagesPerBatch; page++) await merge()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / pagesPerBatch
}

/** In turns, batch by batch. */
async function measure({ name, bodies }: Pair, rounds: number): Promise<Cost[]> {
  const costs: Cost[] = []
  for (let batch = 0; batch < warmUpBatches + rounds * batchesPerRound; batch++) {
    const splicedMs = await cpuMsOf(() => splice(bodies, limit))
    costs.push({ splicedMs, parsedMs: await cpuMsOf(() => parseAndMerge(bodies, limit)) })
  }
  const [spliced, parsed] = [await splice(bodies, limit), parseAndMerge(bodies, limit)]
  if (JSON.stringify(JSON.parse(spliced.toString())) !== parsed.toString()) {
    throw new Error(`${name}: splicing and parsing give different pages`)
  }
  return costs.slice(warmUpBatches)
}

const ratiosOf = (costs: readonly Cost[]) => costs.map(({ splicedMs, parsedMs }) => splicedMs / parsedMs)

function cellsOf({ name, bodies }: Pair, costs: readonly Cost[]): string[] {
  const kilobytes = [bodies.source, bodies.target].map(({ length }) => (length / 1000).toFixed(0))
  const spliced = costs.map(({ splicedMs }) => splicedMs)
  const parsed = costs.map(({ parsedMs }) => parsedMs)
  return [name, kilobytes.join(' + '), spreadOf(spliced, 2), spreadOf(parsed, 2), spreadOf(ratiosOf(costs), 2)]
}

/** Gives whether splicing stayed below its limit. */
export async function measureMerging(stage: Stage, rounds: number, print: (text: string) => void): Promise<boolean> {
  const rows: string[][] = []
  const limited: number[] = []
  for (const pair of await readPairs(stage)) {
    const costs = await measure(pair, rounds)
    rows.push(cellsOf(pair, costs))
    if (pair.isLimited) limited.push(medianOf(ratiosOf(costs)))
  }
  print(tableOf(['two pages of 200 rows', 'KB', 'spliced CPU ms', 'parsed CPU ms', 'ratio'], rows))
  const most = Math.max(...limited)
  const isWithin = most <= ratioAtMost
  print(
    `\nhighest median ratio of real rows: ${most.toFixed(2)}, ${isWithin ? 'within' : 'NOT within'} the limit of ${ratioAtMost}`
  )
  return isWithin
}

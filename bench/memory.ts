/**
 * What large transfers cost in memory: uploads and downloads through the gateway, also to and by slow readers. A gateway
 * that streams with back-pressure stays as it is; one that buffers grows by what the slow side has not taken.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { askOnce } from './answers.ts'
import { type Crew, createCrew, type Measured } from './children.ts'
import { openLoad } from './load.ts'
import { surroundings, tableOf } from './table.ts'
import { download, upload } from './transfers.ts'
import { bearerRequest, loginRequest } from './wire.ts'

export interface MemoryOptions {
  readonly megabytes: number
}

interface Phase {
  readonly name: string
  run(port: number, bytes: number): Promise<void>
}

interface Growth {
  readonly name: string
  readonly before: number
  readonly peak: number
  readonly after: number
  readonly seconds: number
}

const megabyte = 1 << 20
/** A rise of the resident memory from which on the part fails, MB. */
const limitMegabytes = 30
/** Between two reads of a slow reader, ms: about 25 MB/s, while the writer could do hundreds. */
const pauseMs = 2
const sampleMs = 10
const settleMs = 200
const warmUpMegabytes = 4

const phases: readonly Phase[] = [
  { name: 'upload', run: (port, bytes) => upload(port, bytes, { pauseMs: 0, shown: 'header' }) },
  { name: 'upload, a slow system reads', run: (port, bytes) => upload(port, bytes, { pauseMs, shown: 'header' }) },
  {
    name: 'upload, auth_info in its first field, a slow system reads',
    run: (port, bytes) => upload(port, bytes, { pauseMs, shown: 'field' })
  },
  { name: 'download', run: (port, bytes) => download(port, bytes, 0) },
  { name: 'download, a slow client reads', run: (port, bytes) => download(port, bytes, pauseMs) }
]

/** Small calls and one small transfer of each kind, so that code and pools stand before the memory is read. */
async function warmUp(port: number, megabytes: number) {
  await askOnce(port, loginRequest)
  const load = await openLoad(port, bearerRequest, 10)
  await load.run(0.5)
  load.close()
  for (const { run } of phases) await run(port, Math.min(warmUpMegabytes, megabytes) * megabyte)
}

const residentOf = async (child: Measured) => (await child.usage()).residentBytes / megabyte

async function measure(child: Measured, { name, run }: Phase, port: number, bytes: number): Promise<Growth> {
  const before = await residentOf(child)
  const start = performance.now()
  let isRunning = true
  const transfer = run(port, bytes).finally(() => {
    isRunning = false
  })
  // Its failure is told where it is awaited below.
  transfer.catch(() => {})
  let peak = before
  while (isRunning) {
    peak = Math.max(peak, await residentOf(child))
    await delay(sampleMs)
  }
  await transfer
  const seconds = (performance.now() - start) / 1000
  peak = Math.max(peak, await residentOf(child))
  await delay(settleMs)
  return { name, before, peak, after: await residentOf(child), seconds }
}

async function measureAll(crew: Crew, { megabytes }: MemoryOptions): Promise<Growth[]> {
  const { ports } = await crew.start('upstream.ts', [])
  const gateway = await crew.start('peers/gateway.ts', [String(ports.source), String(ports.target)])
  const port = gateway.ports.http ?? 0
  await warmUp(port, megabytes)
  await delay(settleMs)
  const growths: Growth[] = []
  for (const phase of phases) growths.push(await measure(gateway, phase, port, megabytes * megabyte))
  return growths
}

/** Gives whether the memory stayed within the limit. */
export async function benchMemory(options: MemoryOptions, print: (text: string) => void): Promise<boolean> {
  print(`\n# memory\n${surroundings('memory', `--megabytes ${options.megabytes}`)}\n`)
  const crew = createCrew()
  try {
    const growths = await measureAll(crew, options)
    const base = growths[0]?.before ?? Number.NaN
    const rows = growths.map(({ name, before, peak, after, seconds }) => [
      name,
      ...[before, peak, after, peak - base].map((megabytes) => megabytes.toFixed(1)),
      (options.megabytes / seconds).toFixed(0)
    ])
    print(tableOf([`${options.megabytes} MB`, 'before MB', 'peak MB', 'after MB', 'rise MB', 'MB/s'], rows))
    const rise = Math.max(...growths.map(({ peak }) => peak - base))
    const isWithin = rise < limitMegabytes
    print(
      `\nhighest rise of the resident memory over the first "before": ${rise.toFixed(1)} MB, ` +
        `${isWithin ? 'below' : 'NOT below'} the limit of ${limitMegabytes} MB`
    )
    return isWithin
  } finally {
    await crew.dismiss()
  }
}

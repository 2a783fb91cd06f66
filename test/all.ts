/**
 * Every test, for `npm test`: the groups of files that share a process, which take longest, and then the other files, two
 * processes at a time; beside them, one at a time, those that mostly wait.
 */
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { spec } from 'node:test/reporters'
import { groupNames, loners, waiting } from './together/groups.ts'

/** What hangs fails by its name; ms. */
const timeout = 280_000
/** Its process may go on, kept by what it has open: all are ended so long afterwards, and the suite has failed; ms. */
const graceMs = 30_000
const over = new AbortController()

const isLate = (error: unknown) =>
  (error as { failureType?: unknown } | undefined)?.failureType === 'testTimeoutFailure'

/** New objects have room from the start: as they come, V8 finds that out by collecting often. */
const execArgv = ['--min-semi-space-size=16', '--import', join(import.meta.dirname, 'fewer-hooks.ts')]

const told = new PassThrough({ objectMode: true })
told.compose(spec).pipe(process.stdout)
/** What the lanes say at their ends, as one: how many tests there were, how many have failed, and so on. */
const figures = new Map<string, number>()
/** Has those that have failed listed. */
let summary: unknown

/** Tells a lane's tests one by one, each whole: what lists them takes no other test's words between. */
function createTeller() {
  const held: TestEvent[] = []
  const flush = () => {
    for (const event of held.splice(0)) told.write(event)
  }
  function tell(event: TestEvent) {
    held.push(event)
    if ((event.type === 'test:pass' || event.type === 'test:fail') && event.data.nesting === 0) flush()
  }
  return { tell, flush }
}

async function runLane(paths: readonly string[], concurrency: number) {
  const { tell, flush } = createTeller()
  const files = paths.map((path) => join(import.meta.dirname, path))
  for await (const event of run({ files, concurrency, timeout, execArgv, signal: over.signal })) {
    if (event.type === 'test:summary' && !event.data.success) process.exitCode = 1
    if (event.type === 'test:fail' && isLate(event.data.details.error)) setTimeout(() => over.abort(), graceMs).unref()
    const isFigure = event.type === 'test:diagnostic' && event.data.file === undefined
    const [, name = '', figure] = (isFigure && /^(\w+) ([\d.]+)$/.exec(event.data.message)) || []
    if (event.type === 'test:summary' && event.data.file === undefined) summary = event
    else if (figure === undefined) tell(event)
    else if (name === 'duration_ms') figures.set(name, Math.max(figures.get(name) ?? 0, Number(figure)))
    else figures.set(name, (figures.get(name) ?? 0) + Number(figure))
  }
  flush()
}

const others = loners().filter((path) => !waiting.includes(path))
await Promise.all([runLane([...groupNames.map((name) => `together/${name}.ts`), ...others], 2), runLane(waiting, 1)])
for (const [name, figure] of figures) {
  told.write({ type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${figure}` } })
}
told.end(summary)

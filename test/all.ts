/**
 * Every test, for `npm test`: the groups of files that share a process, which take longest, and then the other files, two
 * processes at a time; beside them, one at a time, those that mostly wait.
 */
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { groupNames, loners, waiting } from './together/groups.ts'

/** What hangs fails by its name; ms. */
const timeout = 280_000

/** New objects have room from the start: as they come, V8 finds that out by collecting often. */
const execArgv = ['--min-semi-space-size=16', '--import', join(import.meta.dirname, 'fewer-hooks.ts')]

const told = new PassThrough({ objectMode: true })
told.compose(spec).pipe(process.stdout)
/** What the lanes say at their ends, as one: how many tests there were, how many have failed, and so on. */
const figures = new Map<string, number>()
/** Has those that have failed listed. */
let summary: unknown

async function runLane(paths: readonly string[], concurrency: number) {
  const files = paths.map((path) => join(import.meta.dirname, path))
  for await (const event of run({ files, concurrency, timeout, execArgv })) {
    if (event.type === 'test:summary' && !event.data.success) process.exitCode = 1
    const isFigure = event.type === 'test:diagnostic' && event.data.file === undefined
    const [, name = '', figure] = (isFigure && /^(\w+) ([\d.]+)$/.exec(event.data.message)) || []
    if (event.type === 'test:summary' && event.data.file === undefined) summary = event
    else if (figure === undefined) told.write(event)
    else if (name === 'duration_ms') figures.set(name, Math.max(figures.get(name) ?? 0, Number(figure)))
    else figures.set(name, (figures.get(name) ?? 0) + Number(figure))
  }
}

const others = loners().filter((path) => !waiting.includes(path))
await Promise.all([runLane([...groupNames.map((name) => `together/${name}.ts`), ...others], 2), runLane(waiting, 1)])
for (const [name, figure] of figures) {
  told.write({ type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${figure}` } })
}
told.end(summary)

/**
 * Every test, for `npm test`: the groups of files that share a process, which take longest, and then the other files;
 * two processes at a time.
 */
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { groupNames, loners } from './together/groups.ts'

const files = [...groupNames.map((name) => `together/${name}.ts`), ...loners()].map((path) =>
  join(import.meta.dirname, path)
)

/** What hangs fails by its name; ms. */
const timeout = 280_000

/** New objects have room from the start: as they come, V8 finds that out by collecting often. */
const execArgv = ['--min-semi-space-size=16', '--import', join(import.meta.dirname, 'fewer-hooks.ts')]

run({ files, concurrency: 2, timeout, execArgv })
  .on('test:summary', ({ success }) => {
    if (!success) process.exitCode = 1
  })
  .compose(spec)
  .pipe(process.stdout)

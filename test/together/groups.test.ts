import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { aloneByName, groupNames, loners, membersOf, ownsProcess, waiting } from './groups.ts'

const below = join(import.meta.dirname, '..')

test('together: every test file runs in one process, and in one alone', () => {
  const members = groupNames.flatMap(membersOf)
  const whole = globSync('**/*.test.ts', { cwd: below })
  assert.deepEqual([...members, ...loners()].toSorted(), whole.toSorted())
})

test('together: every group has files, and a file that runs them', () => {
  for (const name of groupNames) assert.ok(membersOf(name).length > 1, name)
  const [own, helpers] = [basename(import.meta.filename), ['groups.ts', 'one-process.ts']]
  const runners = globSync('*.ts', { cwd: import.meta.dirname }).filter(
    (file) => file !== own && !helpers.includes(file)
  )
  assert.deepEqual(runners.toSorted(), groupNames.map((name) => `${name}.ts`).toSorted())
})

const owning = [
  "t.mock.timers.enable({ apis: ['Date', 'setTimeout'] })",
  'const pass = startClock(t)',
  "process.on('warning', note)",
  'process.chdir(directory)',
  "process.env.NODE_ENV = 'production'",
  'process.getActiveResourcesInfo()',
  'process.memoryUsage().rss'
]
const sharing = ["t.mock.timers.enable({ apis: ['Date'], now })", 'const { PATH } = process.env']

test('together: who touches the whole process has it alone', () => {
  for (const line of owning) assert.match(line, ownsProcess)
  for (const line of sharing) assert.doesNotMatch(line, ownsProcess)
  const others = loners()
  for (const file of ['graphql/subscriptions.test.ts', ...aloneByName, ...waiting]) {
    assert.ok(existsSync(join(below, file)) && others.includes(file), file)
  }
})

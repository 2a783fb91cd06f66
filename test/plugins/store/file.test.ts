/** The store's file: what it refuses, who may read it, what survives, and what is removed. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { createFileBackend } from '../../../plugins/store/file/index.ts'
import { temporaryFolder } from '../../redis.ts'
import { until } from '../../until.ts'
import { openProcess } from './hearing.ts'

const hour = 3_600_000
const open = (t: TestContext, path: string) => openProcess(t, createFileBackend(path))

const refused: readonly { name: string; says: RegExp; prepare(path: string): void; inside?: string }[] = [
  { name: 'in no directory', says: /the directory \S+ does not exist; create it/, prepare: () => {}, inside: 'no/' },
  { name: 'that is a directory', says: /is a directory; name a file in it/, prepare: (path) => mkdirSync(path) },
  {
    name: 'that is no database',
    says: /is no database; move it away/,
    prepare: (path) => writeFileSync(path, 'Dear diary, '.repeat(500))
  },
  {
    name: "that is another program's database",
    says: /database of something else/,
    prepare: (path) => new DatabaseSync(path).exec('CREATE TABLE notes (text)')
  },
  {
    name: 'of a newer release',
    says: /is of version 7, and this release knows 1; take the newer release/,
    prepare: (path) => new DatabaseSync(path).exec('CREATE TABLE entries (x); PRAGMA user_version = 7')
  }
]

for (const { name, says, prepare, inside = '' } of refused) {
  test(`a store's file ${name} is refused`, async (t) => {
    const path = join(temporaryFolder(t), inside, 'store.db')
    prepare(path)
    await assert.rejects(open(t, path), (error: Error) => {
      assert.ok(error.message.startsWith(`The store's file ${path} cannot be used: `))
      assert.match(error.message, says)
      return true
    })
  })
}

test("a store's file that may not be written is refused", async (t) => {
  // Not even root may make a file there.
  await assert.rejects(open(t, '/sys/store.db'), /cannot be written; give the user/)
})

test('nobody else may read the file or what stands beside it', async (t) => {
  const directory = temporaryFolder(t)
  const { backend } = await open(t, join(directory, 'store.db'))
  await backend.write('p', [{ key: 'a', value: '1', ttlMs: hour }])
  const names = readdirSync(directory)
  assert.ok(names.includes('store.db-wal'))
  for (const name of names) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
})

test('what a process has written outlives its being killed', async (t) => {
  const path = join(temporaryFolder(t), 'store.db')
  const child = fork(new URL('file-process.ts', import.meta.url), [path], { execArgv: [] })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  const { backend, hears } = await open(t, path)
  child.send('write')
  await hears('changed p b')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  const values = await Promise.all(['a', 'b'].map((key) => backend.get('p', key)))
  assert.deepEqual(
    values.map((found) => found?.value),
    ['1', '2']
  )
})

test('several processes may open a new file at once', async (t) => {
  const path = join(temporaryFolder(t), 'store.db')
  const opened = await Promise.all(Array.from({ length: 5 }, () => open(t, path)))
  await opened[0]?.backend.tell('p', 'all')
  await Promise.all(opened.slice(1).map(({ hears }) => hears('told p all')))
})

test('what has expired or is forgotten leaves the file, and so do notes', async (t) => {
  const path = join(temporaryFolder(t), 'store.db')
  const { backend } = await open(t, path)
  const many = (ttlMs: number) => Array.from({ length: 1200 }, (_, at) => ({ key: String(at), value: '1', ttlMs }))
  await backend.write('short', many(1))
  await backend.write('forgotten', many(hour))
  await backend.clear('forgotten')
  await backend.write('kept', [{ key: 'a', value: '1', ttlMs: hour }])
  const database = new DatabaseSync(path)
  t.after(() => database.close())
  database.exec(`UPDATE changes SET at = ${Date.now() - 11_000}`)
  const counted = database.prepare(
    'SELECT (SELECT count(*) FROM entries) AS entries, (SELECT count(*) FROM changes) AS changes'
  )
  await until(() => {
    assert.deepEqual({ ...counted.get() }, { entries: 1, changes: 0 })
    return true
  })
})

test('a process that has missed notes is told that it has', async (t) => {
  const path = join(temporaryFolder(t), 'store.db')
  const { heard, hears } = await open(t, path)
  const database = new DatabaseSync(path)
  t.after(() => database.close())
  database.exec(
    `BEGIN; INSERT INTO changes (origin, purpose, text, at) VALUES ('o', 'p', 'lost', 0), ('o', 'p', 'kept', 1e15);
     DELETE FROM changes WHERE text = 'lost'; COMMIT`
  )
  await hears('told p kept')
  assert.deepEqual(heard, ['hears true', 'hears true', 'told p kept'])
})

test('the file has no more of an entry than was given', async (t) => {
  const path = join(temporaryFolder(t), 'store.db')
  const { backend } = await open(t, path)
  await backend.write('p', [{ key: 'a-key', value: 'a-value', ttlMs: hour }])
  await backend.close()
  assert.ok(readFileSync(path).includes('a-value'))
  assert.deepEqual(readdirSync(join(path, '..')), ['store.db'], 'a clean end leaves one file')
})

/**
 * The fleet's processes end with whoever started them, however that ended.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createProcesses } from '../../fleet/processes.ts'
import { until } from '../until.ts'

/** What has ended may stay in the table until somebody asks for its exit code. */
function hasEnded(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && readFileSync(stat, 'utf8').includes(') Z ')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !hasEnded(pid)
  } catch {
    return false
  }
}

const processesFile = fileURLToPath(new URL('../../fleet/processes.ts', import.meta.url))
const starter = `
const { createProcesses } = await import(${JSON.stringify(processesFile)})
const processes = createProcesses()
const args = ['-c', 'sleep 600 & echo $!; wait']
const { pid } = await processes.start('parent', { program: 'sh', args })
while (!processes.log('parent').includes('\\n')) await new Promise(setImmediate)
console.log(JSON.stringify({ pid, child: Number(processes.log('parent')), folder: processes.folder }))
`

test('who started them is killed: they end with all that they have started, and their folder goes', async (t) => {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', starter], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout, 'data')
  const { pid, child, folder } = JSON.parse(String(line)) as { pid: number; child: number; folder: string }
  assert.ok(isAlive(pid) && isAlive(child) && existsSync(folder))
  parent.kill('SIGKILL')
  await until(() => !(isAlive(pid) || isAlive(child) || existsSync(folder)))
})

test('one that cannot be started is told by its name, and one that ended tells how', async (t) => {
  const processes = createProcesses()
  t.after(() => processes.end())
  await assert.rejects(processes.start('none', { program: 'no-such-program', args: [] }), /no-such-program .*ENOENT/)
  const seven = await processes.start('seven', { program: 'sh', args: ['-c', 'echo last; exit 7'] })
  assert.equal(await seven.ended, 7)
  assert.equal(seven.lastWords(), 'last')
  const killed = await processes.start('killed', { program: 'sleep', args: ['600'] })
  await killed.kill()
  assert.equal(await killed.ended, 'SIGKILL')
})

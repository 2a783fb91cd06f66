/**
 * The runbook's commands, one after the other, against the demonstration.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { wordsOf } from '../console/pasted/shell.js'
import { type Demonstration, startDemonstration } from '../gateway/demo.ts'
import { command } from './cli/command.ts'
import { main } from './gateway/command.ts'

const runbook = readFileSync(join(import.meta.dirname, '../docs/migration-night.md'), 'utf8')

const blocksOf = (language: string) =>
  [...runbook.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text)
const commands = blocksOf('sh').flatMap((text) => text.split('\n').filter((line) => line !== ''))

const isUp = /source +MR100 +up +closed .*\ntarget +MR115 +up +closed /
const on = (customer: number, system: string) =>
  new RegExp(`^customer ${customer} is on the ${system}: from the last word about its move, 20`)

/** What each command shows, in the runbook's order. */
const shows: readonly (readonly [begins: string, shows: RegExp])[] = [
  ['export WEBDISPATCHER_SECRET=', /^$/],
  ['webdispatcher --config dispatcher.yaml --check', /is valid[\s\S]*source: MR100 at https:\/\/10\.0\.0\.2/],
  ['export WEBDISPATCHER_OPS=', /^$/],
  ['curl -s "$WEBDISPATCHER_OPS/health/ready"', /"ready":true/],
  ['webdispatcher status', new RegExp(`${isUp.source}[\\s\\S]*moving: nobody\n[\\s\\S]*faults since the start: none`)],
  ['webdispatcher explain', /^POST \/rest\/Session\/login → target, because login\n/],
  ['webdispatcher where customer 1', /^customer 1 is somewhere that is not known\n/],
  ['webdispatcher migrate start 1', /^1 of 1 started\n$/],
  ['webdispatcher where customer 1', /^customer 1 is on the source: .*\nbeing moved to the target since /],
  ['curl -s http://127.0.0.1:8091/export', /^\{"success":1\}$/],
  ['webdispatcher migrate finish 1', /^1 of 1 finished\n$/],
  ['webdispatcher where customer 1', on(1, 'target')],
  ['webdispatcher migrate start 1 --to source', /^1 of 1 started\n$/],
  ['curl -s http://127.0.0.1:8092/export', /^\{"success":1\}$/],
  ['webdispatcher migrate finish 1', /^1 of 1 finished\n$/],
  ['webdispatcher where customer 1', on(1, 'source')],
  ['printf', /^$/],
  ['webdispatcher migrate start --file group-1.txt', /^6 of 6 started\n$/],
  ['webdispatcher status', /^moving: 6 \(1 to the target, 2 to the target, /m],
  ['for id in 1 2 4 5 7;', /^(?:\{"success":1\}){5}$/],
  ["printf '1 2 4 5 7' | webdispatcher migrate finish -", /^5 of 5 finished\n$/],
  ['webdispatcher migrate fail 8', /^1 of 1 taken back\n$/],
  ['webdispatcher status', /^moving: nobody$/m],
  ['webdispatcher where customer 8', on(8, 'source')],
  ['webdispatcher status --json', /^\{"source":\{.*\n\{"moving":\[\]/],
  ['curl -s "$WEBDISPATCHER_OPS/metrics"', /^webdispatcher_faults_total\{fault="/],
  ['webdispatcher migrate start 1 2 --to source', /^2 of 2 started\n$/],
  ['for id in 1 2;', /^(?:\{"success":1\}){2}$/],
  ['webdispatcher migrate finish 1 2', /^2 of 2 finished\n$/],
  ['webdispatcher where customer 2', on(2, 'source')],
  ['webdispatcher where login customer-1', /^the login /],
  ['webdispatcher where account 1', /^account 1 /],
  ['webdispatcher status', isUp]
]

/** Runs lines as a shell would: commands in this process, where each would else cost a start of Node. */
function createShell({ gateway, controls }: Demonstration, directory: string) {
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', NO_PROXY: '*', no_proxy: '*' }
  const places: Readonly<Record<string, string>> = {
    'http://127.0.0.1:8090': gateway.opsUrl,
    'http://127.0.0.1:8091': controls.source.url,
    'http://127.0.0.1:8092': controls.target.url
  }
  const placed = (line: string) =>
    line.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, (url) => places[url] ?? assert.fail(url))
  const run = promisify(execFile)
  const bash = async (line: string) => (await run('bash', ['-c', line], { cwd: directory, env })).stdout

  async function webdispatcher(line: string, input?: string) {
    const args = wordsOf(line).words.slice(1)
    if (args[0]?.startsWith('-')) return (await run(process.execPath, [main, ...args], { cwd: directory, env })).stdout
    const inside = args.map((word) => (word.endsWith('.txt') ? join(directory, word) : word))
    const { code, out, err } = await command(inside, { env, ...(input !== undefined && { input }) })
    assert.equal(code, 0, `${line}: ${err}`)
    return out
  }

  return async function paste(given: string): Promise<string> {
    const line = placed(given)
    if (line.startsWith('export ')) {
      const names = [...line.matchAll(/(\w+)=/g)].map(([, name]) => name)
      const values = (await bash(`${line}; printf '%s\\n' ${names.map((name) => `"$${name}"`).join(' ')}`)).split('\n')
      for (const [at, name] of names.entries()) env[name as string] = values[at] as string
      return ''
    }
    if (line.startsWith('webdispatcher ')) return webdispatcher(line)
    const [before, after] = line.split(' | webdispatcher ')
    return after === undefined ? bash(line) : webdispatcher(`webdispatcher ${after}`, await bash(before as string))
  }
}

test('the runbook has a line for each expectation, and no other', () => {
  assert.equal(commands.length, shows.length)
  for (const [at, [begins]] of shows.entries())
    assert.ok(commands[at]?.startsWith(begins), `${commands[at]} is ${begins}`)
})

test("the runbook's lines do what it says", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-night-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'dispatcher.yaml'), blocksOf('yaml')[0] ?? assert.fail('there is no config'))
  const demonstration = await startDemonstration({ WEBDISPATCHER_DEMO_PORT: '0' })
  t.after(() => demonstration.stop())
  const paste = createShell(demonstration, directory)
  for (const [at, [, pattern]] of shows.entries()) {
    const line = commands[at] as string
    assert.match(await paste(line), pattern, line)
  }
  // Where the systems themselves say that everybody is.
  const { source, target } = demonstration
  const statusOn = ({ users }: Demonstration['source'], id: number) => users.customer(id)?.bill_status
  const homes = [1, 2, 4, 5, 7, 8].map((id) => (statusOn(source, id) === 'E' ? 'target' : 'source'))
  assert.equal(statusOn(target, 8), undefined)
  assert.deepEqual(homes, ['source', 'source', 'target', 'target', 'target', 'source'])
})

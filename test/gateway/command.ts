/** The command as a process of its own, for tests of what it says and how it ends. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

type Scope = Pick<TestContext, 'after'>

export const main = resolve(import.meta.dirname, '../../gateway/main.ts')
const secret = 'hunter2 hunter2 hunter2 hunter2 hunter2'

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export function start(t: Scope, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const { WEBDISPATCHER_CONFIG: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...inherited } = process.env
  const child = spawn(process.execPath, [main, ...args], { env: { ...inherited, ...env } })
  t.after(() => child.kill('SIGKILL'))
  return child
}

export async function ended(child: ChildProcess): Promise<Outcome> {
  const text = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text.err += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...text }
}

export const run = (t: Scope, args: readonly string[], env = {}) => ended(start(t, args, env))

export function write(t: Scope, files: Readonly<Record<string, string>>) {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return (name: string) => join(directory, name)
}

export const configOf = ({ port = 0, url = 'http://127.0.0.1:9', more = '', listener = '' }) => `
listen:
  - { host: 127.0.0.1, port: ${port}${listener} }
ops: { port: 0 }
secret: ${secret}
defaultRealm: customer
realms:
  customer: { hosts: [www.customer.example] }
systems:
  source: { release: MR100, url: ${url}, health: false }
  target: { release: MR115, url: ${url}, health: false }
${more}`

export interface Listening {
  readonly port: number
  readonly child: ChildProcess
  /** How the command ends. */
  readonly end: Promise<Outcome>
  /** Its log, once it has this in it. */
  said(text: string): Promise<string>
}

/** The command, once it listens: its first log line tells where. */
export async function startWith(t: TestContext, config: string): Promise<Listening> {
  const child = start(t, ['--config', write(t, { 'a.yaml': config })('a.yaml')])
  const end = ended(child)
  let log = ''
  child.stdout?.on('data', (chunk: string) => {
    log += chunk
  })
  async function said(text: string) {
    while (!log.includes(text)) {
      await Promise.race([
        once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
        end.then(({ err }) => assert.fail(`ended before it said ${text}: ${err}`))
      ])
    }
    return log
  }
  const [, port] = /"addresses":\["https?:\/\/127\.0\.0\.1:(\d+)"/.exec(await said('"msg":"listening"')) ?? []
  return { port: Number(port), child, end, said }
}

export const listening = (t: TestContext, url: string, more = '') => startWith(t, configOf({ url, more }))

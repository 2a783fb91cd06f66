/**
 * The README's demonstration, pasted line by line against what `npm start` starts.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** What each curl line of the section must show, in the README's order. */
const expectations: readonly { readonly name: string; readonly shows: readonly RegExp[] }[] = [
  {
    name: 'an unmoved customer logs in at the source and is marked',
    shows: [/^x-dispatched-to: source$/m, /^set-cookie: pb_dispatch=authorized-by-remote;/m, /"access_token":"/]
  },
  {
    name: 'the next call follows to the source',
    shows: [/^x-dispatched-to: source$/m, /"login":"customer-1"/]
  },
  { name: 'so does the page', shows: [/^x-dispatched-to: source$/m, /Dashboard - MR100/, /customer-1/] },
  {
    name: 'a moved customer logs in at the target and the mark is cleared',
    shows: [/^x-dispatched-to: target$/m, /^set-cookie: pb_dispatch=; Max-Age=0;/m, /"access_token":"/]
  },
  { name: 'the page follows to the target', shows: [/^x-dispatched-to: target$/m, /Dashboard - MR115/, /customer-3/] },
  { name: 'the token alone is enough', shows: [/^x-dispatched-to: target$/m, /"login":"customer-3"/] },
  { name: 'an account logs in', shows: [/^x-dispatched-to: source$/m, /"access_token":"/] },
  { name: 'an administrator logs in on both', shows: [/^x-dispatched-to: source,target$/m, /"access_token":"/] },
  {
    name: 'a list is one page out of both systems',
    shows: [
      /^x-dispatched-to: source,target$/m,
      /"customer_list":\[\{"i_customer":1,.*\{"i_customer":3,.*"total":1200\}/
    ]
  },
  { name: 'a call goes where its customer is', shows: [/^x-dispatched-to: source$/m, /"login":"customer-1"/] },
  {
    name: 'one GraphQL query reads both systems',
    shows: [
      /^x-dispatched-to: source,target$/m,
      /"totalCount":1200,"counts":\[\{"system":"SOURCE","totalCount":\d+\},\{"system":"TARGET",/,
      /"accounts":\{"nodes":\[\{"number":"/
    ]
  },
  { name: 'a versioned host pins its release', shows: [/^x-dispatched-to: source$/m, /Login - MR100/] },
  { name: 'the operator is told where and why', shows: [/"to":"source","reason":"routing_cookie"/] },
  { name: 'the operator is told that all is well', shows: [/"ready":true/] },
  { name: 'and how both systems are', shows: [/"source":\{[^}]*"state":"up"/, /"breaker":"closed"/] }
]

/** The commands of the section, a line each; those that only prepare the next one are among them. */
function commandsOf(section: string): string[] {
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  return blocks.flatMap((text) => text.split('\n').filter((line) => line !== '' && !line.startsWith('npm ')))
}

const section = readme.split(/^## /m).find((text) => text.startsWith('Try it\n')) ?? ''
const commands = commandsOf(section)
const isCurl = (line: string) => line.startsWith('curl ')

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/**
 * A port that is free together with the others of a demonstration. It is below the ports that systems give out by
 * themselves, so that no simulated system of the demonstration takes one of them first.
 */
async function freeBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 12_000 + 20 * Math.floor(Math.random() * 900)
    const all = await Promise.allSettled([0, 1, 2, 10, 11, 12].map((offset) => listen(base + offset)))
    const bound = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.all(bound.map((server) => once(server.close(), 'close')))
    if (bound.length === all.length) return base
  }
  throw new Error('no six free ports were found')
}

/** Resolves once the output has the text; fails when the process ends before. */
async function waitFor(child: ChildProcess, text: string): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk
    if (output.includes(text)) return output
  }
  throw new Error(`the demonstration ended before "${text}": ${output}`)
}

let demonstration: ChildProcess
let banner = ''
let base = 0
const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-readme-'))

before(async () => {
  base = await freeBase()
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [program, ...args] = scripts.start.split(' ')
  assert.equal(program, 'node', 'npm start runs node, which npm takes from node_modules')
  demonstration = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, WEBDISPATCHER_DEMO_PORT: String(base), WEBDISPATCHER_CONFIG: undefined },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  banner = await waitFor(demonstration, 'Ctrl-C stops it.')
})

after(() => {
  demonstration.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

/** Runs all lines in one shell, as a newcomer pastes them; gives the output of each. */
async function paste(lines: readonly string[]): Promise<string[]> {
  const mark = '--- the next line ---'
  const ports = (line: string) =>
    line.replaceAll(/127\.0\.0\.1:(80\d\d)/g, (_all, port: string) => `127.0.0.1:${base + Number(port) - 8080}`)
  const script = lines.map((line) => `${ports(line)}\nprintf '\\n%s\\n' '${mark}'`).join('\n')
  const shell = spawn('bash', ['-c', script], {
    cwd: directory,
    env: { ...process.env, TMPDIR: directory, NO_PROXY: '*', no_proxy: '*' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const closed = once(shell, 'close')
  const outputs = (await Array.fromAsync(shell.stdout as AsyncIterable<Buffer>)).join('').split(`\n${mark}\n`)
  await closed
  return outputs.slice(0, -1).map((text) => text.replaceAll('\r\n', '\n'))
}

test('the README has a curl line for each expectation, and no other', () => {
  assert.equal(commands.filter(isCurl).length, expectations.length)
  const others = commands.filter((line) => !isCurl(line)).map((line) => line.split(/[ =]/, 1)[0])
  assert.deepEqual(others, ['cd', 'TOKEN', 'ADMIN'])
})

test('the README shows the logins of the banner', () => {
  const loginsOf = (text: string) =>
    new Set([...text.matchAll(/"login":"([\w-]+)","password":"([\w-]+)"/g)].map(String))
  assert.deepEqual(loginsOf(section), loginsOf(banner))
})

test('the README starts and tests as CI does', () => {
  const blocks = [...readme.matchAll(/^```sh\n(npm .*)\n```$/gm)].map(([, text]) => text)
  assert.deepEqual(blocks, ['npm ci && npm start', 'npm ci && npm test', 'npm run fleet'])
  const ci = readFileSync(join(root, '.ci/run'), 'utf8').split('\n')
  assert.deepEqual(
    ci.filter((line) => line.startsWith('npm ')),
    ['npm ci', 'npm test', 'npm run check']
  )
})

test("the README's lines do what it says", async (t) => {
  const outputs = await paste(commands)
  assert.equal(outputs.length, commands.length)
  const ofCurl = outputs.filter((_output, at) => isCurl(commands[at] as string))
  for (const [at, { name, shows }] of expectations.entries()) {
    await t.test(name, () => {
      const output = ofCurl[at] as string
      assert.match(output, /^HTTP\/1\.1 200 /)
      for (const pattern of shows) assert.match(output, pattern)
    })
  }
})

test("the banner's own lines work when pasted", async () => {
  const lines = banner.split('\n').flatMap((line) => (/^ {2}curl /.test(line) ? [line.trim()] : []))
  assert.ok(lines.length >= 4)
  const outputs = await paste(lines)
  for (const [at, output] of outputs.entries()) {
    const line = lines[at] as string
    if (line.includes('-si '))
      assert.match(output, /^HTTP\/1\.1 200 [\s\S]*^x-dispatched-to: (?:source|target)$/m, line)
    else if (!line.includes('/dev/null')) assert.match(output, /^\{(?!"faultcode")/, line)
  }
})

test('SIGTERM ends the demonstration with exit code 0', async () => {
  const exited = once(demonstration, 'exit')
  demonstration.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

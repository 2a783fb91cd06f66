/**
 * Dockerfile, docker-compose.yml and docker/dispatcher.yaml name only what exists, and agree with each other.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative, resolve } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { realmNames, systemNames } from '../core/words.ts'
import { loadConfig } from '../gateway/config.ts'
import { realmNames as simulatedRealms } from '../simulator/realms.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

interface Service {
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly stop_grace_period?: string
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> }
const { gateway, ...simulators } = compose.services as { gateway: Service } & Record<string, Service>

/** The Dockerfile's instructions, continued lines joined. */
const instructions = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const)
const instruction = (name: string) => instructions.find(([one]) => one === name)?.[1] ?? assert.fail(`no ${name}`)
const execOf = (text: string) => JSON.parse(text.slice(text.indexOf('['))) as string[]

const copied = instructions.flatMap(([name, text]) => (name === 'COPY' ? text.split(' ').slice(0, -1) : []))
const exposed = instruction('EXPOSE').split(' ').map(Number)
const imageCommand = execOf(instruction('CMD'))
const imageHealth = execOf(instruction('HEALTHCHECK'))

const env = { WEBDISPATCHER_SECRET: 's'.repeat(32), OPS_TOKEN: 't'.repeat(16) }
const config = loadConfig(join(root, 'docker/dispatcher.yaml'), env)
const configPorts = [...config.listen.map(({ port }) => port), config.ops.port]

/** Relative imports of a module, followed to the end; packages by name. */
function importsOf(entry: string) {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    const source = readFileSync(file, 'utf8').replaceAll(/^import type .*$/gm, '')
    const imports = /^(?:import|export)\b[^'"]*?\bfrom '([^'\n]+)'|\bimport\('([^'\n]+)'\)/gm
    for (const [, written, dynamic] of source.matchAll(imports)) {
      const from = written ?? dynamic ?? ''
      if (from.startsWith('.')) visit(resolve(dirname(file), from))
      else if (!from.startsWith('node:')) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from)
    }
  }
  visit(join(root, entry))
  return { files: [...files].map((file) => relative(root, file)), packages: [...packages] }
}

/** Runs a health check against another port than the one it names. */
async function healthOf(command: readonly string[], from: number, to: number): Promise<number | null> {
  const [program, flag, script = ''] = command
  assert.deepEqual([program, flag], ['node', '-e'])
  assert.ok(script.includes(`127.0.0.1:${from}/`), `it asks port ${from}`)
  const child = spawn(process.execPath, ['-e', script.replace(`:${from}/`, `:${to}/`)], { stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

/** A port that nobody listens on. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

test('the image runs Node of the pinned major version, as a user without rights', () => {
  const major = read('.node-version').split('.', 1)[0]
  assert.equal(instruction('FROM'), `node:${major}-slim`)
  assert.equal(instruction('USER'), 'node')
  const order = instructions.map(([name]) => name)
  assert.ok(order.indexOf('USER') < order.indexOf('CMD'))
})

test('the image installs what the lock file says, without development', () => {
  assert.match(instruction('RUN'), /^npm ci --omit=dev\b/)
  for (const needed of ['package.json', 'package-lock.json', '.npmrc']) assert.ok(copied.includes(needed), needed)
})

for (const path of copied) {
  test(`the image's ${path} exists and is not ignored`, () => {
    assert.ok(existsSync(join(root, path)))
    const ignore = read('.dockerignore').split('\n')
    assert.ok(ignore.includes('*') && ignore.includes(`!${path}`))
  })
}

test('the build is given nothing that the image does not copy', () => {
  const kept = read('.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  assert.deepEqual(kept.toSorted(), copied.toSorted())
})

for (const entry of ['gateway/main.ts', 'simulator/main.ts']) {
  test(`the image has all that ${entry} imports`, () => {
    const { files, packages } = importsOf(entry)
    assert.ok(files.length > 10, 'the imports were followed')
    for (const file of files) assert.ok(copied.includes(file.split('/', 1)[0] ?? ''), file)
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object }
    for (const name of packages) assert.ok(name in dependencies, `${name} is a dependency`)
  })
}

test('the image starts the gateway with the config that compose mounts', () => {
  const [program, entry = '', flag, file] = imageCommand
  assert.deepEqual([program, entry, flag], ['node', 'gateway/main.ts', '--config'])
  const mounts = (gateway.volumes ?? []).map((volume) => volume.split(':'))
  assert.deepEqual(mounts, [['./docker/dispatcher.yaml', file, 'ro']])
  assert.ok(existsSync(join(root, 'docker/dispatcher.yaml')))
  assert.equal(gateway.command, undefined)
})

test('the flags of the image are flags of the gateway', () => {
  const args = [...imageCommand.slice(1, -1), join(root, 'docker/dispatcher.yaml'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8'
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /is valid/)
})

test('ports: the image exposes and compose publishes those of the config', () => {
  assert.deepEqual(exposed, configPorts)
  const published = (gateway.ports ?? []).map((port) => port.split(':').slice(-2).map(Number))
  assert.deepEqual(
    published,
    configPorts.map((port) => [port, port])
  )
})

test('only this machine reaches the published ops port', () => {
  const ops = gateway.ports?.find((port) => port.endsWith(`:${config.ops.port}`))
  assert.match(ops ?? '', /^127\.0\.0\.1:/)
})

test('every listener is reachable from outside the container', () => {
  assert.deepEqual([...new Set([...config.listen, config.ops].map(({ host }) => host))], ['0.0.0.0'])
})

test('variables: compose sets those of the config, and asks for each', () => {
  const used = [...read('docker/dispatcher.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name)
  assert.deepEqual(Object.keys(gateway.environment ?? {}).toSorted(), used.toSorted())
  for (const [name, value] of Object.entries(gateway.environment ?? {}))
    assert.match(value, new RegExp(`^\\$\\{${name}:\\?`))
})

test('the gateway may finish what is in flight before it is killed', () => {
  assert.ok(Number.parseInt(gateway.stop_grace_period ?? '', 10) * 1000 > 2 * config.drain)
})

test('compose builds this directory for each service, and the gateway waits for all others', () => {
  for (const { build } of Object.values(compose.services)) assert.equal(build, '.')
  assert.deepEqual(Object.keys(gateway.depends_on ?? {}).toSorted(), Object.keys(simulators).toSorted())
})

const flagsOf = ({ command = [] }: Service) => {
  const flags = command.slice(2)
  return Object.fromEntries(flags.flatMap((flag, at) => (at % 2 === 0 ? [[flag, flags[at + 1] ?? '']] : [])))
}

for (const system of systemNames) {
  const service = simulators[system] as Service

  test(`the ${system} is a service whose flags the simulator takes`, () => {
    assert.deepEqual(service.command?.slice(0, 2), ['node', 'simulator/main.ts'])
    // Flags are checked before --help is obeyed.
    const help = execFileSync(process.execPath, [...(service.command?.slice(1) ?? []), '--help'], {
      cwd: root,
      encoding: 'utf8'
    })
    for (const flag of Object.keys(flagsOf(service))) assert.ok(help.includes(`${flag} `), flag)
  })

  test(`the config reaches each realm of the ${system} where it listens`, () => {
    const { '--release': release, '--role': role, '--port': port, '--host': host } = flagsOf(service)
    assert.deepEqual([config.systems[system].release, system, '0.0.0.0'], [release, role, host])
    const urls = config.systems[system].realms as Readonly<Record<string, string>>
    assert.equal(config.systems[system].url, `http://${system}:${port}`)
    for (const realm of realmNames) {
      if (urls[realm] === undefined) continue
      assert.equal(urls[realm], `http://${system}:${Number(port) + simulatedRealms.indexOf(realm)}`)
    }
    for (const { realm } of config.listen) assert.ok(realm === undefined || realm === 'admin' || realm in urls, realm)
  })

  test(`the health check of the ${system} tells a running one from a dead one`, async () => {
    const port = Number(flagsOf(service)['--port'])
    const [kind, ...check] = service.healthcheck?.test ?? []
    assert.equal(kind, 'CMD')
    const args = (service.command?.slice(1) ?? []).with(-3, '0')
    assert.deepEqual(args.slice(-4, -1), ['--port', '0', '--host'])
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(child)
    let banner = ''
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      banner += chunk
      if (banner.includes('Logins')) break
    }
    const running = Number(/^ {2}admin +http:\/\/127\.0\.0\.1:(\d+)$/m.exec(banner)?.[1])
    assert.equal(await healthOf(check, port, running), 0)
    assert.equal(await healthOf(check, port, await deadPort()), 1)
  })
}

test("the image's health check tells a live gateway from a sick and a dead one", async (t) => {
  let status = 200
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  assert.equal(await healthOf(imageHealth, config.ops.port, port), 0)
  status = 503
  assert.equal(await healthOf(imageHealth, config.ops.port, port), 1)
  assert.equal(await healthOf(imageHealth, config.ops.port, await deadPort()), 1)
  assert.deepEqual(asked, ['/health/live', '/health/live'])
})

test('docker/ holds nothing that compose does not mount', () => {
  assert.deepEqual(readdirSync(join(root, 'docker')), ['dispatcher.yaml'])
})

const hasCompose = spawnSync('docker-compose', ['version'], { stdio: 'ignore' }).status === 0

test('docker-compose accepts the file', (t: import('node:test').TestContext) => {
  if (!hasCompose) {
    assert.ok(!process.env.CI, 'docker-compose is missing, and CI must not pass without it')
    t.diagnostic('not run: docker-compose is not installed')
    t.skip('not run: docker-compose is not installed')
    return
  }
  const config = (given: object) =>
    spawnSync('docker-compose', ['config', '-q'], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...given },
      encoding: 'utf8'
    })
  const accepted = config(env)
  assert.equal(accepted.status, 0, accepted.stderr)
  assert.notEqual(config({}).status, 0, 'a missing secret is told')
})

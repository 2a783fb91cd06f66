/**
 * Dockerfile, docker-compose.yml and docker/dispatcher.yaml name only what exists, and agree with each other: the image, the
 * gateways and the simulated systems. test/compose.test.ts looks at the others.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative, resolve } from 'node:path'
import { after, test } from 'node:test'
import { realmNames, systemNames } from '../core/words.ts'
import { loadConfig } from '../gateway/config.ts'
import { realmNames as simulatedRealms } from '../simulator/realms.ts'
import { compose, gatewayNames, givenEnv, mountsOf, read, root, type Service, service } from './compose.ts'

const gateway = service('gateway-1')

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

const config = loadConfig(join(root, 'docker/dispatcher.yaml'), givenEnv)
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
  assert.deepEqual(mountsOf(gateway), [['docker/dispatcher.yaml', file, 'ro']])
  assert.ok(existsSync(join(root, 'docker/dispatcher.yaml')))
  assert.equal(gateway.command, undefined)
})

test('the flags of the image are flags of the gateway', () => {
  const args = [...imageCommand.slice(1, -1), join(root, 'docker/dispatcher.yaml'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, ...givenEnv },
    encoding: 'utf8'
  })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /is valid/)
})

test('ports: the image exposes those of the config, and compose publishes none of a gateway', () => {
  assert.deepEqual(exposed, configPorts)
  assert.equal(gateway.ports, undefined)
})

test('the gateways are the same', () => {
  assert.deepEqual(gatewayNames, ['gateway-1', 'gateway-2'])
  for (const name of gatewayNames) assert.deepEqual(service(name), gateway)
})

test('every listener is reachable from outside the container', () => {
  assert.deepEqual([...new Set([...config.listen, config.ops].map(({ host }) => host))], ['0.0.0.0'])
})

test('variables: compose sets only those of the config, and asks for each that has no default', () => {
  const references = [...read('docker/dispatcher.yaml').matchAll(/\$\{(\w+)(:-)?/g)]
  const names = references.map(([, name]) => name)
  const { environment = {} } = gateway
  for (const name of Object.keys(environment)) assert.ok(names.includes(name), name)
  const needed = references.filter(([, , hasDefault]) => hasDefault === undefined).map(([, name = '']) => name)
  assert.deepEqual(needed.toSorted(), Object.keys(givenEnv).toSorted())
  for (const name of needed) assert.match(environment[name] ?? '', new RegExp(`^\\$\\{${name}:\\?`))
})

test('the gateway may finish what is in flight before it is killed', () => {
  assert.ok(Number.parseInt(gateway.stop_grace_period ?? '', 10) * 1000 > config.notice + 2 * config.drain)
})

test('the gateways wait for what they speak to', () => {
  assert.deepEqual(Object.keys(gateway.depends_on ?? {}).toSorted(), ['source', 'target', 'valkey'])
  for (const { build, image } of Object.values(compose.services)) {
    assert.equal(build, image === gateway.image ? '.' : undefined)
  }
})

const flagsOf = ({ command = [] }: Service) => {
  const flags = command.slice(2)
  return Object.fromEntries(flags.flatMap((flag, at) => (at % 2 === 0 ? [[flag, flags[at + 1] ?? '']] : [])))
}

for (const system of systemNames) {
  const simulator = service(system)

  test(`the ${system} is a service whose flags the simulator takes`, () => {
    assert.deepEqual(simulator.command?.slice(0, 2), ['node', 'simulator/main.ts'])
    // Flags are checked before --help is obeyed.
    const help = execFileSync(process.execPath, [...(simulator.command?.slice(1) ?? []), '--help'], {
      cwd: root,
      encoding: 'utf8'
    })
    for (const flag of Object.keys(flagsOf(simulator))) assert.ok(help.includes(`${flag} `), flag)
  })

  test(`the config reaches each realm of the ${system} where it listens`, () => {
    const { '--release': release, '--role': role, '--port': port, '--host': host } = flagsOf(simulator)
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
    const port = Number(flagsOf(simulator)['--port'])
    const [kind, ...check] = simulator.healthcheck?.test ?? []
    assert.equal(kind, 'CMD')
    const args = (simulator.command?.slice(1) ?? []).with(-3, '0')
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

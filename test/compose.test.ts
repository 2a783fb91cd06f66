/**
 * docker-compose.yml's own parts agree with the files in docker/ and with each other: HAProxy, Valkey, Prometheus, Grafana.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { realmNames, systemNames } from '../core/words.ts'
import { loadConfig } from '../gateway/config.ts'
import { hosts } from '../soak/settings.ts'
import { compose, gatewayNames, givenEnv, mountsOf, read, root, service } from './compose.ts'

const config = loadConfig(join(root, 'docker/dispatcher.yaml'), givenEnv)
const services = Object.entries(compose.services)
const haproxyFile = read('docker/haproxy.cfg')
const presets = Object.fromEntries(
  [...haproxyFile.matchAll(/^ +presetenv (\w+) (\S+)$/gm)].map(([, name = '', value = '']) => [name, value])
)

const networksOf = (name: string) => {
  const { networks = [] } = service(name)
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

for (const [name, one] of services) {
  test(`${name} is held as tight as can be`, () => {
    assert.equal(one.read_only, true)
    assert.deepEqual(one.cap_drop, ['ALL'])
    assert.deepEqual(one.security_opt, ['no-new-privileges:true'])
    assert.ok(one.healthcheck !== undefined || gatewayNames.includes(name), "a gateway's is the image's own")
  })
  if (one.build !== undefined) continue
  test(`${name} is of one release`, () => {
    assert.match(one.image, /^[a-z]+\/?[a-z]*:v?\d+\.\d+\.\d+(?:-alpine)?$/)
  })
}

test('one address is published, and to this machine alone what operators look at', () => {
  const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`))
  assert.deepEqual(published.toSorted(), [
    'grafana 127.0.0.1:3000:3000',
    'haproxy 127.0.0.1:8404:8404',
    'haproxy 8080:8080',
    'prometheus 127.0.0.1:9090:9090'
  ])
  assert.equal(presets.ADDRESS, ':8080')
  assert.equal(service('haproxy').environment?.STATISTICS_ADDRESS, ':8404')
})

test('docker/ holds nothing that compose does not mount, and each mount is there', () => {
  const mounts = services.flatMap(([, one]) => mountsOf(one))
  for (const [file, , mode] of mounts) assert.ok(existsSync(join(root, file)) && mode === 'ro', file)
  const files = readdirSync(join(root, 'docker'), { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile()
  )
  for (const { parentPath, name } of files) {
    assert.ok(
      mounts.some(([file]) => join(root, file) === join(parentPath, name)),
      name
    )
  }
})

test('HAProxy finds each gateway where it listens', () => {
  for (const [at, name] of gatewayNames.entries()) {
    assert.equal(presets[`GATEWAY_${at + 1}`], `${name}:${config.listen[0]?.port}`)
    assert.equal(presets[`GATEWAY_${at + 1}_OPS_PORT`], String(config.ops.port))
    for (const backend of ['reads', 'others']) {
      const [, section = ''] = haproxyFile.split(`\nbackend ${backend}\n`)
      assert.ok(section.split('\n\n', 1)[0]?.includes(`server ${name} "\${GATEWAY_${at + 1}}"`), `${backend} ${name}`)
    }
    assert.ok(networksOf(name).includes('front'))
  }
  const used = [...haproxyFile.matchAll(/"\$\{(\w+)\}"/g)].map(([, name = '']) => name)
  assert.deepEqual([...new Set(used)].toSorted(), Object.keys(presets).toSorted())
})

test('the gateways believe HAProxy alone, whose address nobody else is given', () => {
  const { networks } = service('haproxy')
  const own = (networks as { front: { ipv4_address: string } }).front.ipv4_address
  assert.deepEqual(config.trustProxy, [`${own}/32`])
  const [{ subnet, ip_range } = assert.fail('front has no addresses')] = compose.networks.front.ipam.config
  const parts = (address: string) => address.split(/[./]/).map(Number)
  assert.deepEqual(parts(own).slice(0, 3), parts(subnet).slice(0, 3))
  assert.equal(parts(subnet)[4], 24)
  assert.ok((parts(own)[3] ?? 256) < (parts(ip_range)[3] ?? 0))
})

test('HAProxy waits longer than a gateway may take', () => {
  const secondsOf = (name: string) => {
    const [, count, unit] = new RegExp(`^ +timeout ${name} (\\d+)([smh])$`, 'm').exec(haproxyFile) ?? []
    return Number(count) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h']
  }
  const { limits, systems, plugins } = config
  for (const { connect, headers, body } of systemNames.map((name) => systems[name].timeouts)) {
    // A login may ask one system, and then the other.
    const longest = (2 * (limits.body + limits.eventLoopDelay + connect + headers) + body) / 1000
    assert.ok(secondsOf('server') > longest, String(longest))
  }
  assert.ok(secondsOf('client') * 1000 > limits.stalled)
  assert.equal(secondsOf('http-request') * 1000, limits.head)
  const webSockets = plugins.find(({ name }) => name === 'web-socket-proxy')
  assert.ok(secondsOf('tunnel') * 1000 > Number(webSockets?.options?.idle))
  assert.ok(Number(/tune\.bufsize (\d+)/.exec(haproxyFile)?.[1]) - 1024 > limits.headBytes)
})

test('what is shared and the systems are reached by the gateways alone', () => {
  assert.equal(compose.networks.back.internal, true)
  for (const name of ['valkey', ...systemNames]) assert.deepEqual(networksOf(name), ['back'])
  const both = services.map(([name]) => name).filter((name) => networksOf(name).length > 1)
  assert.deepEqual(both, gatewayNames)
  assert.equal(service('gateway-1').environment?.WEBDISPATCHER_STORE, 'redis://valkey:6379')
})

test('one address has all realms by their hosts, those of the soak among them', () => {
  for (const { realm } of config.listen) assert.equal(realm, undefined)
  const told = realmNames.flatMap((realm) => config.realms[realm]?.hosts.map((host) => [realm, host]) ?? [])
  assert.deepEqual(Object.fromEntries(told), hosts)
})

test('Prometheus asks each gateway and HAProxy, with the token where it is put', () => {
  const { scrape_configs: jobs } = parse(read('docker/prometheus.yml')) as {
    scrape_configs: { authorization?: { credentials_file: string }; static_configs: { targets: string[] }[] }[]
  }
  const targets = jobs.flatMap((job) => job.static_configs.flatMap((one) => one.targets))
  assert.deepEqual(targets, [...gatewayNames.map((name) => `${name}:${config.ops.port}`), 'haproxy:8404'])
  const { command = [], environment = {} } = service('prometheus')
  assert.ok(command.join().includes(`> ${jobs[0]?.authorization?.credentials_file} `))
  const [[, file] = []] = mountsOf(service('prometheus'))
  assert.ok(command.join().includes(`--config.file=${file} `))
  assert.match(environment.OPS_TOKEN ?? '', /^\$\{OPS_TOKEN:\?/)
})

test('Grafana has the dashboard of docs/, and asks Prometheus', () => {
  const { datasources } = parse(read('docker/grafana/datasources.yml')) as { datasources: { url: string }[] }
  assert.deepEqual(
    datasources.map(({ url }) => url),
    ['http://prometheus:9090']
  )
  const { providers } = parse(read('docker/grafana/dashboards.yml')) as { providers: { options: { path: string } }[] }
  const mounted = mountsOf(service('grafana')).find(([file]) => file === 'docs/grafana-dashboard.json')?.[1] ?? ''
  assert.ok(mounted.startsWith(`${providers[0]?.options.path}/`))
})

/** Runs a program that reads one of the files; left out by name where there is none, unless it must be there. */
function accepts(
  t: TestContext,
  program: string,
  { args, isNeeded }: { args: string[]; isNeeded: boolean },
  given = {}
) {
  const { status, stderr, error } = spawnSync(program, args, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...given },
    encoding: 'utf8'
  })
  if (error === undefined) return { status, stderr }
  assert.ok(!(isNeeded && process.env.CI), `${program} is missing, and CI must not pass without it`)
  t.diagnostic(`not run: ${program} is not installed`)
  t.skip(`not run: ${program} is not installed`)
  return null
}

test('docker-compose accepts the file', (t: TestContext) => {
  const asking = { args: ['config', '-q'], isNeeded: true }
  const accepted = accepts(t, 'docker-compose', asking, givenEnv)
  if (accepted === null) return
  assert.equal(accepted.status, 0, accepted.stderr)
  assert.notEqual(accepts(t, 'docker-compose', asking)?.status, 0, 'a missing secret is told')
})

test('promtool accepts docker/prometheus.yml', (t: TestContext) => {
  const args = ['check', 'config', '--syntax-only', 'docker/prometheus.yml']
  const accepted = accepts(t, 'promtool', { args, isNeeded: false })
  if (accepted !== null) assert.equal(accepted.status, 0, accepted.stderr)
})

/**
 * What `npm run fleet` shows: where everything is, lines that work when pasted, and what to try.
 */
import type { Person } from '../soak/systems.ts'
import type { Fleet } from './topology.ts'

const jsonType = "-H 'Content-Type: application/json'"

function curl(flags: string, origin: string, realm: string, call: string, params: object): string {
  const url = `${origin.replace('127.0.0.1', `www.${realm}.localhost`)}/rest/${call}`
  return `curl ${flags} ${url} ${jsonType} -d '${JSON.stringify({ params })}'`
}

export function bannerOf(fleet: Fleet, people: readonly Person[]): string {
  const { origin, gateways, redis, haproxy, token, about } = fleet
  const unmoved = people.find(({ system }) => system === 'source')?.customer
  const { login, password } = unmoved ?? { login: '', password: '' }
  const { admin } = about.staff
  const jar = '/tmp/webdispatcher-fleet.jar'
  const [first, second] = gateways
  return `
WebDispatcher, a fleet: HAProxy before ${gateways.length} gateways, Redis, and two simulated systems.

  address      ${origin}
  statistics   ${fleet.statisticsUrl}   HAProxy's, and at /metrics for Prometheus
${gateways.map(({ name, opsUrl, pid }) => `  ${name}    ops at ${opsUrl}, pid ${pid()}`).join('\n')}
  Redis        ${redis.url}, pid ${redis.pid()}
  HAProxy      pid ${haproxy.pid()}
  ops token    ${token}

A customer logs in and asks; administrators see both systems:

  ${curl(`-si -c ${jar}`, origin, 'customer', 'Session/login', { login, password })}
  ${curl(`-si -b ${jar}`, origin, 'customer', 'Customer/get_customer_info', {})}
  ${curl('-si', origin, 'admin', 'Session/login', { login: admin.login, password: admin.password })}

How a gateway is:

  curl -s -H 'Authorization: Bearer ${token}' ${first?.opsUrl}/systems

What to try while you ask:

  kill -9 ${second?.pid()}      a gateway dies: the other one serves, and reads that were under way are answered
  kill ${first?.pid()}         a gateway stops, and finishes what it has
  kill -USR2 ${haproxy.pid()}   HAProxy reads its file again
  kill -STOP ${redis.pid()}   Redis hangs; kill -CONT ends that, kill -9 ends Redis

What has died stays away: Ctrl-C ends everything, and the next start begins anew. Prometheus and Grafana are in
docker-compose.yml alone.

`
}

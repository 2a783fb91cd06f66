/** Whoever asks why a GraphQL request went where it went is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts } from '../build.ts'
import { ask } from '../client.ts'
import { until } from '../until.ts'
import { startGraphqlWorld } from './client.ts'

const json = { 'content-type': 'application/json' }

async function explain(opsUrl: string, described: object): Promise<Record<string, unknown>> {
  const reply = await ask(opsUrl, { path: '/explain', headers: json, body: JSON.stringify(described) })
  return reply.json()
}

test('an access line of GraphQL has its reason, its operation and the systems that were asked', async (t) => {
  const world = await startGraphqlWorld(t)
  await world.run('query Everybody { customers(first: 1) { nodes { id } } }')
  const lineOf = () => world.lines.find(({ operation }) => operation === 'Everybody')
  await until(() => lineOf() !== undefined)
  const line = lineOf()
  assert.deepEqual(
    [line?.reason, line?.to, line?.status, line?.realm, line?.http],
    ['graphql', 'both', 200, 'admin', 'POST']
  )
})

test('an explanation of GraphQL says that the gateway answers it, in the realms that have it', async (t) => {
  const { opsUrl } = await startGraphqlWorld(t, { plugins: { graphql: { path: '/api/graph' } } })
  const told = { realm: 'admin', family: 'page', call: null, to: null, reason: 'graphql' }
  const inAdmin = { headers: { host: hosts.admin } }
  assert.deepEqual(await explain(opsUrl, { ...inAdmin, url: '/api/graph' }), told)
  assert.deepEqual(await explain(opsUrl, { ...inAdmin, url: '/api/graph?query=%7Bsystems%7D', method: 'GET' }), told)
  assert.deepEqual(await explain(opsUrl, { url: `http://${hosts.admin}/api/graph` }), told)
  for (const [host, url] of [
    [hosts.customer, '/api/graph'],
    [hosts.admin, '/graphql']
  ]) {
    const other = await explain(opsUrl, { headers: { host }, url })
    assert.deepEqual([other.to, other.reason], ['target', 'no_credential'], `${host} ${url}`)
  }
})

test('an explanation without the view is that of a page', async (t) => {
  const { opsUrl } = await startGraphqlWorld(t, { plugins: { graphql: false } })
  const { to, reason } = await explain(opsUrl, { headers: { host: hosts.admin }, url: '/graphql' })
  assert.deepEqual([to, reason], ['target', 'no_credential'])
})

/**
 * docs/graphql.md, run as it stands there: every query against what `npm start` starts, by clients that others have written.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { GraphQLClient } from 'graphql-request'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { parse } from 'yaml'
import { startDemonstration } from '../../gateway/demo.ts'
import { GraphqlOptions } from '../../graphql/options.ts'
import { clearJournals } from '../dual.ts'
import { until } from '../until.ts'
import { post, startGraphqlWorld } from './client.ts'
import { assertShown, page, type Step, sectionOf, steps, titled } from './page.ts'

const root = join(import.meta.dirname, '../..')

// What it is run against.

const demonstration = await startDemonstration({ WEBDISPATCHER_DEMO_PORT: '0' })
after(() => demonstration.stop())
const { gateway, source, target } = demonstration
const [forCustomers = '', forAccounts = '', forAdmins = ''] = gateway.addresses.map(({ url }) => url)
const ports: Readonly<Record<string, string>> = {
  'http://127.0.0.1:8080': forCustomers,
  'http://127.0.0.1:8081': forAccounts,
  'http://127.0.0.1:8082': forAdmins
}
const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-graphql-'))
after(() => rmSync(directory, { recursive: true }))

const run = promisify(execFile)
const env = { ...process.env, NO_PROXY: '*', no_proxy: '*' }
/** What the page has told the shell to set so far. */
const pasted: string[] = []

/** Pastes a block's commands; gives what the last one shows. */
async function paste(text: string): Promise<string> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, (origin) => ports[origin] ?? assert.fail(origin)))
  const shell = await run('bash', ['-c', [...pasted, ...lines].join('\n')], { cwd: directory, env })
  pasted.push(...lines.slice(0, -1))
  return shell.stdout
}

async function logIn(): Promise<string> {
  const response = await fetch(`${forAdmins}/rest/Session/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ params: source.users.admin() })
  })
  const { access_token } = (await response.json()) as { access_token: string }
  return access_token
}

const token = await logIn()
const client = new GraphQLClient(`${forAdmins}/graphql`, {
  headers: { Authorization: `Bearer ${token}` },
  errorPolicy: 'all'
})
const line = createClient({
  url: `${forAdmins.replace('http:', 'ws:')}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${token}` }
})
after(() => line.dispose())

async function query({ text, variables }: Step): Promise<unknown> {
  const { data, errors } = await client.rawRequest(text, variables)
  return { data, ...(errors && { errors }) }
}

/** The first that is told; `stir` is done again and again until then. */
async function firstTold(text: string, stir: () => Promise<unknown>): Promise<unknown> {
  const told: unknown[] = []
  const stop = line.subscribe({ query: text }, { next: (one) => told.push(one), error() {}, complete() {} })
  await until(async () => {
    await stir()
    return told.length > 0
  })
  stop()
  return told[0]
}

/** Sends the word of a migration that the page shows. */
async function tellMove({ label = '' }: Step) {
  const [, body] = /`(\{.*\})`/.exec(label) ?? []
  if (body === undefined) return
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(`${gateway.opsUrl}/migrations`, { method: 'POST', headers, body })).ok, true)
}

const isBySource = ({ title }: Step) => title === 'When a system is missing'

// The queries.

test('docs/graphql.md has a query of every kind', () => {
  const kinds = steps.filter(({ language }) => language === 'graphql').map(({ text }) => text.split(/\W/, 1)[0])
  for (const [kind, least] of [
    ['query', 10],
    ['mutation', 4],
    ['subscription', 2]
  ] as const) {
    assert.ok(kinds.filter((one) => one === kind).length >= least, kind)
  }
})

for (const step of steps) {
  const { title, language, text } = step
  if (isBySource(step) || title === 'Known queries') continue
  const name = `docs/graphql.md: ${title}: ${text
    .split('\n')
    .at(language === 'sh' ? -2 : 0)
    ?.slice(0, 60)}`
  if (language === 'sh') {
    test(name, async () => assertShown(JSON.parse(await paste(text)), step))
  } else if (text.startsWith('subscription')) {
    test(name, async () => assertShown(await firstTold(text, () => tellMove(step)), step))
  } else if (step.answer !== undefined) {
    test(name, async () => assertShown(await query(step), step))
  }
}

test('docs/graphql.md: a login by cookies is as good as a token', async () => {
  const [, , last = ''] = titled('GraphQL')[0]?.text.trim().split('\n') ?? []
  const byCookies = last.replace(/-H "Authorization: Bearer \$ADMIN"/, '-b admin')
  assert.notEqual(byCookies, last)
  assert.match(await paste(byCookies), /^\{"data":\{"customers":/)
})

test('docs/graphql.md: known queries', async (t) => {
  const section = sectionOf('Known queries')
  const [known = '', request = '', answer = ''] = [...section.matchAll(/```json\n([\s\S]*?)```/g)].map(
    ([, json = '']) => json
  )
  const [, command = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? []
  const [digest] = Object.keys(JSON.parse(known))
  assert.equal((await paste(command)).split(' ', 1)[0], digest)
  const file = join(directory, 'queries.json')
  writeFileSync(file, known)
  const world = await startGraphqlWorld(t, { plugins: { graphql: { persistedQueries: file } } })
  const reply = await post(world.url, request, { token: world.session.accessToken })
  assert.deepEqual(reply.json(), JSON.parse(answer))
})

// What it says beside them.

const isCall = ({ url }: { readonly url: string }) => !url.endsWith('Generic/get_version')
const callsOf = (worlds: Pick<typeof demonstration, 'source' | 'target'>) =>
  [worlds.source, worlds.target].map(({ journal }) => journal.entries.filter(isCall).length)

test('docs/graphql.md: the query whose cost is told costs that, and the metric says so', async () => {
  const [wide] = titled('What a query costs')
  assert.ok(wide)
  clearJournals({ source, target })
  const { data } = await client.rawRequest<{ customers: { nodes: unknown[] } }>(wide.text)
  const [ofLists = 0, ofCustomers = 0] = /takes (\d+) \+ (\d+) calls/.exec(page)?.slice(1).map(Number) ?? []
  assert.deepEqual([ofLists, data.customers.nodes.length], [2, ofCustomers])
  const [onSource = 0, onTarget = 0] = callsOf({ source, target })
  assert.equal(onSource + onTarget, ofLists + ofCustomers)
  const metrics = await (await fetch(`${gateway.opsUrl}/metrics`)).text()
  assert.match(metrics, /^webdispatcher_graphql_upstream_calls_sum\{operation="Wide"\} 52$/m)
  assert.match(metrics, /^webdispatcher_graphql_operations_total\{operation="Wide",outcome="ok"\} 1$/m)
  for (const [, name = ''] of page.matchAll(/`(webdispatcher_\w+)/g))
    assert.ok(metrics.includes(`# TYPE ${name} `), name)
})

/** What the table says, each with a query; those of one customer come after it has been located. */
const costs: readonly (readonly [calls: number, text: string])[] = [
  [2, '{ customers { totalCount counts { system } missing pageInfo { endCursor } nodes { status raw } } }'],
  [2, '{ accounts { nodes { number status } } }'],
  [1, '{ accounts(system: TARGET) { nodes { number } } }'],
  [3, '{ customer(iCustomer: 3) { name } }'],
  [1, '{ customer(iCustomer: 3) { name raw } }'],
  [3, '{ account(iAccount: 3) { number } }'],
  [1, '{ account(iAccount: 3) { number } }'],
  [2, '{ customer(iCustomer: 3) { accounts { totalCount } } }'],
  [3, '{ customer(iCustomer: 3) { invoices { totalCount } } }'],
  [3, '{ customer(iCustomer: 3) { xdrs(from: "2026-06-01T00:00:00Z", to: "2026-06-02T00:00:00Z") { totalCount } } }'],
  [1, '{ customer(iCustomer: 3) { on(system: TARGET) { name } } }'],
  [2, '{ customer(iCustomer: 3) { on(system: SOURCE) { name } } }'],
  [2, '{ customer(iCustomer: 3) { differences { field } } }'],
  [2 + 3, '{ customers(first: 3) { nodes { accounts { totalCount } } } }'],
  [2 + 3 * 2, '{ customers(first: 3) { nodes { invoices { totalCount } } } }'],
  [2 + 3, '{ customers(first: 3) { nodes { on(system: SOURCE) { name } } } }'],
  [2 + 3 * 2, '{ customers(first: 3) { nodes { differences { field } } } }'],
  [2, 'mutation { createCustomer(system: SOURCE, input: { name: "One" }) { name } }'],
  [4, 'mutation { updateCustomer(iCustomer: 5, input: { note: "x" }) { name } }'],
  [2, 'mutation { updateCustomer(iCustomer: 5, input: { note: "y" }) { name } }'],
  [1, '{ session { realm } }'],
  [1, '{ session { realm } systems { system } }']
]

test('docs/graphql.md: each field costs what the table says', async (t) => {
  const world = await startGraphqlWorld(t)
  for (const [calls, text] of costs) {
    clearJournals(world)
    const { errors } = await world.run(text)
    assert.equal(errors, undefined, text)
    const [onSource = 0, onTarget = 0] = callsOf(world)
    assert.equal(onSource + onTarget, calls, text)
  }
})

test('docs/graphql.md: the mutation that fails ends its operation', async (t) => {
  const { run } = await startGraphqlWorld(t)
  const { data, errors } = await run<null>(`mutation {
    a: updateCustomer(iCustomer: 1, input: { note: "a" }) { name }
    b: updateCustomer(iCustomer: 9999, input: { note: "b" }) { name }
    c: updateCustomer(iCustomer: 2, input: { note: "c" }) { name }
  }`)
  assert.deepEqual([data, errors?.map(({ path }) => path)], [null, [['b']]])
  const noteOf = async (iCustomer: number) => {
    const { data } = await run<{ customer: { raw: { note: string } } }>(`{ customer(iCustomer: ${iCustomer}) { raw } }`)
    return data.customer.raw.note
  }
  assert.deepEqual([await noteOf(1), await noteOf(2)], ['a', ''])
})

interface Listed {
  readonly customers: {
    readonly totalCount: number
    readonly nodes: readonly { readonly iCustomer: number }[]
    readonly pageInfo: { readonly endCursor: string }
  }
}
const listed = (asked: string) => `{ customers(${asked}) { totalCount nodes { iCustomer } pageInfo { endCursor } } }`

test('docs/graphql.md: contexts, versioned hosts and the systems of a query', async (t) => {
  const { run } = await startGraphqlWorld(t)
  const total = async (asked: string, headers: Record<string, string> = {}) => {
    const { data, errors } = await run<Listed | null>(listed(asked), {}, headers)
    return data?.customers.totalCount ?? errors?.[0]?.extensions?.faultcode
  }
  assert.equal(await total('first: 1'), 60)
  assert.equal(await total('first: 1', { 'x-dispatcher-context': 'source' }), 40)
  assert.equal(await total('first: 1, system: TARGET', { 'x-dispatcher-context': 'source' }), 20)
  assert.equal(await total('first: 1', { host: 'www.100-admin.test' }), 40)
  const refused = await total('first: 1, system: TARGET', { host: 'www.100-admin.test' })
  assert.equal(refused, 'Client.Dispatcher.malformed_request')
})

test('docs/graphql.md: a cursor is good for its own list', async (t) => {
  const { run } = await startGraphqlWorld(t)
  const { data } = await run<Listed>(listed('first: 2'))
  const after = data.customers.pageInfo.endCursor
  const next = async (asked: string, headers: Record<string, string> = {}) => {
    const { data, errors } = await run<Listed | null>(listed(`${asked} after: "${after}"`), {}, headers)
    return data?.customers.nodes.map(({ iCustomer }) => iCustomer) ?? errors?.[0]?.extensions?.code
  }
  assert.deepEqual(await next('first: 3'), [3, 4, 5])
  for (const asked of ['system: SOURCE', 'filter: { name: "%" }', 'orderBy: { field: NAME }']) {
    assert.equal(await next(asked), 'BAD_USER_INPUT', asked)
  }
  assert.equal(await next('first: 3', { 'x-dispatcher-context': 'source' }), 'BAD_USER_INPUT')
})

test('docs/graphql.md: a page that lacks a system, and the next one that does not', async (t) => {
  const { run, source } = await startGraphqlWorld(t)
  await source.stop()
  const numbers = ({ data }: { readonly data: Listed }) => data.customers.nodes.map(({ iCustomer }) => iCustomer)
  const alone = await run<Listed>(listed('first: 2'))
  assert.deepEqual(numbers(alone), [3, 6])
  await source.start()
  const both = await run<Listed>(listed(`first: 3, after: "${alone.data.customers.pageInfo.endCursor}"`))
  assert.deepEqual(numbers(both), [7, 8, 9])
})

// Its tables.

const rowsIn = (section: string) =>
  section.split('\n').flatMap((row) =>
    /^\| `/.test(row)
      ? [
          row
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim())
        ]
      : []
  )
const codeIn = (cell: string | undefined) => /^`([^`]+)`/.exec(cell ?? '')?.[1] ?? null

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly default?: unknown
}

function defaultsOf({ properties = {} }: Schema, path = ''): [key: string, otherwise: unknown][] {
  return Object.entries(properties).flatMap(([name, own]) => [
    [path + name, own.properties === undefined ? own.default : 'as below'],
    ...defaultsOf(own, `${path}${name}.`)
  ])
}

test('docs/graphql.md has every option with its default, and no other', () => {
  const rows = rowsIn(sectionOf('Options'))
  for (const row of rows) assert.ok(row.length === 4 && row.every((cell) => cell !== ''), row.join(' | '))
  const told = rows.map(([key, , , otherwise = '']) => {
    if (otherwise === 'as below') return [codeIn(key), otherwise]
    return [
      codeIn(key),
      otherwise.startsWith('none: ') ? undefined : parse(codeIn(otherwise) ?? assert.fail(otherwise))
    ]
  })
  assert.deepEqual(told, defaultsOf(GraphqlOptions as unknown as Schema))
})

test('docs/graphql.md has every code of an error, and no other', () => {
  const told = rowsIn(sectionOf('Errors')).flatMap(([cell]) => (/^`([A-Z_]+)`$/.exec(cell ?? '') ?? []).slice(1))
  const sources = globSync('graphql/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
  const given = sources.flatMap((text) => [...text.matchAll(/(?:code: |, )'([A-Z]+(?:_[A-Z]+)+|UNAUTHENTICATED)'/g)])
  assert.deepEqual(told.toSorted(), [...new Set(given.map(([, code = '']) => code))].toSorted())
})

// The last: a source that was away is not trusted at once.
for (const step of steps.filter(isBySource)) {
  test(`docs/graphql.md: ${step.title}`, async () => {
    await source.stop()
    assertShown(await query(step), step)
  })
}

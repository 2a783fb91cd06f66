/**
 * Documents and code agree, in both directions.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { parse } from 'yaml'
import { explainFlags } from '../cli/explain.ts'
import { commonFlags } from '../cli/flags.ts'
import { commands } from '../cli/index.ts'
import { migrateFlags } from '../cli/migrate.ts'
import { whereFlags } from '../cli/where.ts'
import { Fault, type FaultName, faults } from '../core/faults.ts'
import { createListTable, type ListChanges, lists } from '../core/methods.ts'
import { realmNames, systemNames } from '../core/words.ts'
import { buildApp } from '../gateway/app.ts'
import { catalogue, switchable } from '../gateway/catalogue.ts'
import { ConfigError, loadConfig } from '../gateway/config.ts'
import { BaseSchema } from '../gateway/config-schema.ts'
import { ListAggregationOptions } from '../plugins/list-aggregation/index.ts'
import { certificateFor } from './certificates.ts'
import { pems } from './gateway/pems.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const env = { WEBDISPATCHER_SECRET: 's'.repeat(32) }

/** The rows of a document's tables, cell by cell; heads and rules are left out. */
function rowsOf(document: string): string[][] {
  return document
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.trim())
    )
}

const sectionOf = (document: string, title: string) =>
  document.split(/^#+ /m).find((text) => text.startsWith(`${title}\n`)) ?? assert.fail(`there is no "${title}"`)

/** A section with those below it. */
function chapterOf(document: string, title: string): string {
  return document.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? assert.fail(`there is no "${title}"`)
}

/** What stands in a cell as `code`; null for a cell that is not code alone. */
const codeIn = (cell: string | undefined) => /^`([^`]+)`$/.exec(cell ?? '')?.[1] ?? null
const codesOf = (rows: readonly string[][], column = 0) =>
  rows.flatMap((row) => [...(row[column] ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code))

const sameNames = (documented: Iterable<string>, real: Iterable<string>) =>
  assert.deepEqual([...documented].toSorted(), [...real].toSorted())

// The config's keys, out of the schemas.

type Schema = Readonly<Record<string, unknown>>
type Properties = Readonly<Record<string, Schema>>

/** What a document calls a key's default: a value, "as below" for a mapping of defaults, "required" or "none". */
type Default = { readonly value: unknown } | 'as below' | 'required' | 'none'

const isSame = (a: readonly string[], b: readonly string[]) => a.toSorted().join() === b.toSorted().join()
const isEmptyMapping = (value: unknown) => JSON.stringify(value) === '{}'

function defaultOf(schema: Schema, isRequired: boolean): Default {
  if ('default' in schema) return isEmptyMapping(schema.default) ? 'as below' : { value: schema.default }
  return isRequired ? 'required' : 'none'
}

function keysOf(schema: Schema, path: string, found: Map<string, Default>): Map<string, Default> {
  for (const variant of (schema.anyOf ?? []) as Schema[]) keysOf(variant, path, found)
  if (schema.type === 'array') keysOf(schema.items as Schema, `${path}[]`, found)
  const properties = (schema.properties ?? {}) as Properties
  const names = Object.keys(properties)
  const required = (schema.required ?? []) as string[]
  const stands = isSame(names, systemNames) ? '<system>' : isSame(names, realmNames) ? '<realm>' : null
  for (const [name, own] of Object.entries(properties)) {
    const inside = [path, stands ?? name].filter((part) => part !== '').join('.')
    found.set(inside, defaultOf(own, required.includes(name)))
    keysOf(own, inside, found)
  }
  return found
}

const schemaKeys = keysOf(BaseSchema as unknown as Schema, '', new Map())
for (const { name, options } of switchable) {
  schemaKeys.set(`plugins.${name}`, { value: true })
  keysOf(options as unknown as Schema, `plugins.${name}`, schemaKeys)
}
// Its keys are the deployment's own: nothing stands below it, so an empty mapping is a value.
const methodsSchema = ListAggregationOptions.properties.methods as unknown as Schema
schemaKeys.set('plugins.list-aggregation.methods', { value: methodsSchema.default })

// docs/configuration.md

const configuration = rowsOf(read('docs/configuration.md')).filter(([key]) => key !== 'key')
const documentedDefaults = new Map(configuration.map((row) => [codeIn(row[0]) ?? '', row[3] ?? '']))

test('docs/configuration.md has every key of the config, and no other', () => {
  assert.ok(schemaKeys.size > 60, 'the schemas were walked')
  assert.equal(documentedDefaults.size, configuration.length, 'no key twice')
  sameNames(documentedDefaults.keys(), schemaKeys.keys())
})

for (const [key, expected] of schemaKeys) {
  test(`docs/configuration.md tells the default of ${key}`, () => {
    const told = documentedDefaults.get(key) ?? ''
    if (typeof expected === 'string') assert.equal(told, expected)
    else assert.deepEqual(parse(codeIn(told) ?? assert.fail(`${told} is not a value`)), expected.value)
  })
}

// dispatcher.example.yaml

const example = read('dispatcher.example.yaml')
/** The comment on top is a text from its first line to its last. */
const intro = example.split('\n').indexOf('')
/** With its keys that stand there as comments: "#" without a space, or with the indentation of what is above. */
const wholeExample = example
  .split('\n')
  .map((line, at) => (at < intro ? line : line.replace(/^( *)#(?! \S| *$)/, '$1')))
  .join('\n')

/** The keys of a config with their values, the paths as the schemas' are. */
function valuesOf(value: unknown, path: string, found: Map<string, unknown[]>): Map<string, unknown[]> {
  if (Array.isArray(value)) for (const one of value) valuesOf(one, `${path}[]`, found)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      const part = path === 'systems' ? '<system>' : /^realms$|\.realms$/.test(path) ? '<realm>' : name
      const inside = path === '' ? part : `${path}.${part}`
      found.set(inside, [...(found.get(inside) ?? []), one])
      valuesOf(one, inside, found)
    }
  }
  return found
}

const exampleValues = valuesOf(parse(wholeExample), '', new Map())
const isTeamKey = (key: string) => key.startsWith('plugins../')

test('dispatcher.example.yaml has every key of the config, and no other', () => {
  sameNames(
    [...exampleValues.keys()].filter((key) => !isTeamKey(key)),
    schemaKeys.keys()
  )
})

for (const [key, expected] of schemaKeys) {
  if (typeof expected === 'string') continue
  const { value: wanted } = expected
  test(`dispatcher.example.yaml has the default of ${key}`, () => {
    for (const value of exampleValues.get(key) ?? []) {
      // A plugin that is on with its options is on.
      const isOn = wanted === true && typeof value === 'object' && value !== null
      const filled = typeof value === 'string' ? value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1') : value
      assert.deepEqual(isOn ? true : filled, wanted)
    }
  })
}

test('every default of dispatcher.example.yaml stands there to be seen', () => {
  const shown = valuesOf(parse(example), '', new Map())
  const hidden = [...schemaKeys].filter(([key, one]) => typeof one !== 'string' && !shown.has(key))
  assert.deepEqual(
    hidden.map(([key]) => key),
    []
  )
})

test('dispatcher.example.yaml passes --check when its secret is set', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['gateway/main.ts', '--config', 'dispatcher.example.yaml', '--check'],
    { cwd: root, env: { PATH: process.env.PATH, ...env }, encoding: 'utf8' }
  )
  assert.equal(status, 0, stderr)
  assert.match(stdout, /is valid/)
})

test('dispatcher.example.yaml is valid with every comment of a key taken away', async (t) => {
  const directory = temporary(t)
  const { certificate, privateKey } = pems
  const portals = await certificateFor(['*.customer.billing.com'])
  const files = {
    'customer.pem': certificate,
    'customer-key.pem': privateKey,
    'portals.pem': portals.cert,
    'portals-key.pem': portals.key,
    'source-ca.pem': certificate,
    'gateway.pem': certificate,
    'gateway-key.pem': privateKey
  }
  for (const [name, text] of Object.entries({ ...files, 'acme-audit.mjs': '', 'queries.json': '{}' }))
    writeFileSync(join(directory, name), text)
  writeFileSync(join(directory, 'dispatcher.yaml'), wholeExample)
  const config = loadConfig(join(directory, 'dispatcher.yaml'), env)
  assert.equal(config.listen.length, 2)
  assert.equal(config.teamPlugins.length, 1)
})

test('the least config of docs/configuration.md is valid', (t) => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/configuration.md')) ?? []
  const file = join(temporary(t), 'dispatcher.yaml')
  writeFileSync(file, yaml)
  assert.equal(loadConfig(file, env).defaultRealm, 'customer')
})

// docs/faults.md

const faultRows = rowsOf(read('docs/faults.md')).filter(([status]) => status !== 'status')

test('docs/faults.md has every fault with its status, and no other', () => {
  sameNames(
    faultRows.map(([status, faultcode]) => `${status} ${codeIn(faultcode)}`),
    (Object.keys(faults) as FaultName[]).map((name) => {
      const { statusCode, faultcode } = new Fault(name)
      return `${statusCode} ${faultcode}`
    })
  )
})

test('docs/faults.md says of each fault when it comes and what to do', () => {
  for (const row of faultRows) assert.ok(row.length === 4 && row.every((cell) => cell !== ''), row.join(' | '))
})

/** Whether any source but the table itself raises the fault. */
const isRaised = (name: string) =>
  globSync(['core/**/*.ts', 'plugins/**/*.ts', 'gateway/**/*.ts'], { cwd: root }).some((file) =>
    new RegExp(`Fault\\([^)]*'${name}'`).test(read(file))
  )

for (const [, faultcode = '', when = ''] of faultRows) {
  const name = (Object.keys(faults) as FaultName[]).find((one) => new Fault(one).faultcode === codeIn(faultcode)) ?? ''
  test(`docs/faults.md is right about whether ${name} is raised`, () => {
    assert.equal(when.includes('not raised by this release'), !isRaised(name))
  })
}

// docs/plugins.md

test('docs/plugins.md has every plugin, and no other', () => {
  const document = read('docs/plugins.md')
  const optional = [...chapterOf(document, 'What can be turned off').matchAll(/^### (\S+)$/gm)].map(([, name]) => name)
  sameNames(
    optional as string[],
    switchable.map(({ name }) => name)
  )
  const always = rowsOf(sectionOf(document, 'What is always on')).map(([name]) => codeIn(name) ?? '')
  const fixed = catalogue.filter(({ options }) => options === undefined).map(({ name }) => name)
  sameNames(
    always.filter((name) => name !== ''),
    fixed
  )
})

test('docs/plugins.md says of each that can be off what it adds, needs and leaves', () => {
  const parts = chapterOf(read('docs/plugins.md'), 'What can be turned off').split(/^### /m).slice(1)
  assert.equal(parts.length, switchable.length)
  for (const part of parts) {
    for (const word of ['- **Adds**', '- **Needs**', '- **Off**']) assert.ok(part.includes(word), `${word} in ${part}`)
  }
})

test("docs/plugins.md's example of a team's plugin runs", async (t) => {
  const document = chapterOf(read('docs/plugins.md'), 'A plugin of your own')
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(document) ?? []
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(document) ?? []
  const directory = temporary(t)
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, code.split('\n', 1)[0]?.replace('// ', '') ?? ''), code)
  // Nobody listens on port 1: what is dispatched fails there, and is counted all the same.
  const base = `
listen: [{ port: 0 }]
secret: ${env.WEBDISPATCHER_SECRET}
defaultRealm: customer
systems:
  source: { release: MR100, url: 'http://127.0.0.1:1', health: false }
  target: { release: MR115, url: 'http://127.0.0.1:1', health: false }
`
  writeFileSync(join(directory, 'dispatcher.yaml'), base + yaml)
  const app = await buildApp(loadConfig(join(directory, 'dispatcher.yaml'), {}), {
    logger: pino({ level: 'silent' }),
    writeLine: () => {}
  })
  t.after(() => app.close())
  const call = await app.inject({ method: 'POST', url: '/rest/Customer/get_customer_info' })
  assert.equal(call.statusCode, 503)
  const page = await app.inject({ url: '/dashboard', headers: { cookie: 'pb_dispatch=authorized-by-remote' } })
  assert.equal(page.statusCode, 503)
  const counts = await app.inject({ url: '/acme/counts' })
  assert.deepEqual(counts.json(), { 'customer target no_credential': 1, 'customer source routing_cookie': 1 })
})

// docs/lists.md

const listsDocument = read('docs/lists.md')

/** The schema of one row of the table of lists, as a config may change it. */
function rowSchema(): Schema {
  const variants = Object.values(methodsSchema.patternProperties as Properties).flatMap(
    ({ anyOf }) => anyOf as Schema[]
  )
  return variants.find((variant) => 'properties' in variant) ?? assert.fail('a row has no schema')
}

/** What a document's table says of its keys: the last cell is the default. */
const defaultsIn = (section: string) =>
  Object.fromEntries(
    rowsOf(section)
      .filter(([key]) => codeIn(key) !== null)
      .map((row) => [codeIn(row[0]), parse(codeIn(row.at(-1)) ?? assert.fail(`${row} has no default`))])
  )

/** The row of a method that no table has. */
const unknownRow = createListTable({})({ service: 'Nobody', method: 'get_nobody_list' } as never)

test('docs/lists.md has every option of list-aggregation with its default', () => {
  const options = Object.entries(ListAggregationOptions.properties as unknown as Properties)
  assert.deepEqual(
    defaultsIn(sectionOf(listsDocument, 'Options')),
    Object.fromEntries(options.map(([name, schema]) => [name, schema.default]))
  )
})

test('docs/lists.md has the table of lists as it is', () => {
  const documented: Record<string, unknown> = {}
  for (const row of rowsOf(sectionOf(listsDocument, 'The table'))) {
    const [name = '', arrayKey, id, orderBy, direction, skipExported] = row.map((cell) => codeIn(cell) ?? '')
    // What the page says of every row, below the table.
    const everywhere = { ties: 'asc', compare: {} }
    const exportedFilters = codesOf([row], 6)
    const whole = { ...everywhere, arrayKey, id, orderBy, direction, skipExported, exportedFilters }
    if (name !== '') documented[name] = arrayKey === 'false' ? null : whole
  }
  assert.deepEqual(documented, lists)
})

test('docs/lists.md has every key of a row with its default', () => {
  const defaults = defaultsIn(sectionOf(listsDocument, 'Correct the table'))
  sameNames(Object.keys(defaults), Object.keys(rowSchema().properties as Properties))
  assert.deepEqual(defaults, unknownRow)
})

/** The list table of a config that holds the page's example, changed. */
function tableBy(t: TestContext, change: (yaml: string) => string) {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(sectionOf(listsDocument, 'Correct the table')) ?? []
  const [, least = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/configuration.md')) ?? []
  const file = join(temporary(t), 'dispatcher.yaml')
  writeFileSync(file, least + change(yaml))
  const { options } = loadConfig(file, env).plugins.find(({ name }) => name === 'list-aggregation') ?? {}
  const listOf = createListTable(options?.methods as ListChanges)
  return (name: string) => {
    const [service, method] = name.split('/')
    return listOf({ service, method } as never)
  }
}

test("docs/lists.md's example of a correction is valid and does what it says", (t) => {
  const listOf = tableBy(t, (yaml) => yaml)
  const tickets = { ...unknownRow, arrayKey: 'ticket_list', id: 'i_ticket', orderBy: 'i_ticket' }
  assert.deepEqual(listOf('Ticket/get_ticket_list'), tickets)
  const [invoices, customers] = ['Invoice/get_invoice_list', 'Customer/get_customer_list'] as const
  assert.deepEqual(listOf(invoices), { ...lists[invoices], direction: 'asc' })
  assert.notDeepEqual(listOf(invoices), lists[invoices])
  assert.deepEqual(listOf(customers), { ...lists[customers], compare: { balance: 'number' } })
  assert.equal(listOf('Report/get_report_list'), null)
})

test("docs/lists.md's example is refused where it has a mistake", (t) => {
  for (const [right, wrong] of [
    ['orderBy:', 'orderby:'],
    ['direction: asc', 'direction: up'],
    ['get_report_list: false', 'get_report_list: 0']
  ] as const) {
    const change = (yaml: string) => {
      assert.ok(yaml.includes(right), right)
      return yaml.replace(right, wrong)
    }
    assert.throws(() => tableBy(t, change), ConfigError, wrong)
  }
})

// docs/portals.md

test('the config of docs/portals.md is valid with and without its redirects, and its headers are those that change', (t) => {
  const document = read('docs/portals.md')
  const [whole = '', redirects = ''] = [...document.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml)
  const directory = temporary(t)
  const { certificate, privateKey } = pems
  const files = { 'portal.pem': certificate, 'portal-key.pem': privateKey, 'target-ca.pem': certificate }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  const file = join(directory, 'dispatcher.yaml')
  for (const yaml of [whole, whole + redirects]) {
    writeFileSync(file, yaml)
    const portal = loadConfig(file, env).plugins.find(({ name }) => name === 'web-portal')?.options
    assert.equal((portal?.redirects as unknown[] | undefined)?.length ?? 0, yaml.includes('redirects') ? 2 : 0)
  }
  const passing = new Set(codesOf(rowsOf(sectionOf(document, 'What a browser sees'))).map((name) => name.toLowerCase()))
  const sources = read('core/headers.ts') + read('plugins/forward/own-pages.ts')
  const changed = [...sources.matchAll(/(?:case|name ===) '([\w-]+)'/g)].map(([, name = '']) => name)
  sameNames(passing, new Set(changed))
})

// docs/operations.md

/** The names of a union type of strings, out of its source. */
const literalsIn = (source: string) => [...source.matchAll(/'(\w+)'/g)].map(([, name = '']) => name)

function reasonsOf(): string[] {
  const [, source = ''] = /export type Reason =\n([\s\S]*?)\n\n/.exec(read('core/decide.ts')) ?? []
  const [exclusion = '', excluded = ''] = /Exclude<Evidence, ([^>]+)>/.exec(source) ?? []
  const [, evidence = ''] = /export type Evidence = (.*)\n/.exec(read('core/words.ts')) ?? []
  assert.ok(exclusion !== '' && evidence !== '', 'the types were found')
  const without = new Set(literalsIn(excluded))
  return [...literalsIn(source.replace(exclusion, '')), ...literalsIn(evidence).filter((name) => !without.has(name))]
}

test('docs/operations.md has every reason, and no other', () => {
  const reasons = reasonsOf()
  assert.ok(reasons.length > 10)
  sameNames(codesOf(rowsOf(sectionOf(read('docs/operations.md'), 'Reasons'))), reasons)
})

test('docs/operations.md has every field of the access line, and no other', () => {
  const source = read('plugins/way.ts')
  const [, line = ''] = /function accessLineOf\(([\s\S]*?)\n}/.exec(source) ?? []
  const onEveryLine = ['level', 'time', 'pid', 'hostname', 'reqId', 'msg']
  const found = [...line.matchAll(/text\('(\w+)'|"(\w+)":/g)].map(([, byText, inLine]) => byText ?? inLine ?? '')
  const names = found.filter((name) => !onEveryLine.includes(name))
  assert.ok(names.length > 8, 'the fields were found')
  sameNames(codesOf(rowsOf(sectionOf(read('docs/operations.md'), 'Logs')).map(([field = '']) => [field])), names)
})

test('docs/operations.md has every path of the ops listener', () => {
  const paths = [...read('gateway/ops.ts').matchAll(/\.(?:get|post)\('([^']+)'/g)].map(([, path = '']) => path)
  assert.ok(paths.length >= 4)
  const document = read('docs/operations.md')
  for (const path of paths) assert.ok(document.includes(path), path)
})

test('docs/operations.md has every flag of the gateway, and no other', () => {
  const [, flags = ''] = /const flags = \{\n([\s\S]*?)\n\}/.exec(read('gateway/main.ts')) ?? []
  const names = [...flags.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => `--${name}`)
  const running = rowsOf(sectionOf(read('docs/operations.md'), 'Running'))
  sameNames(
    codesOf(running).map((code) => code.split(' ', 1)[0] ?? ''),
    names
  )
})

test('docs/operations.md has every command with its flags, and no other', () => {
  const [names = [], flags = []] = sectionOf(read('docs/operations.md'), 'The command line')
    .split('\n\n')
    .filter((text) => text.startsWith('| '))
    .map((text) => codesOf(rowsOf(text)))
  sameNames(new Set(names.flatMap((code) => /^webdispatcher (\w+)/.exec(code)?.[1] ?? [])), Object.keys(commands))
  const own = { ...commonFlags, ...whereFlags, ...explainFlags, ...migrateFlags }
  sameNames(
    flags.map((code) => code.split(' ', 1)[0] ?? ''),
    Object.keys(own).map((name) => `--${name}`)
  )
})

// docs/metrics.md, docs/grafana-dashboard.json

const metricsDocument = read('docs/metrics.md')

/** A gateway that nobody asks anything; for what it is made of. */
async function quietApp(t: TestContext) {
  const [, least = ''] = /```yaml\n([\s\S]*?)```/.exec(read('docs/configuration.md')) ?? []
  const file = join(temporary(t), 'dispatcher.yaml')
  writeFileSync(file, least)
  const app = await buildApp(loadConfig(file, env), { logger: pino({ level: 'silent' }), writeLine: () => {} })
  t.after(() => app.close())
  return app
}

/** Metrics of the gateway's own as the registry has them. */
async function ownMetrics(t: TestContext) {
  const { metrics } = await quietApp(t)
  return metrics.registry.getMetricsAsArray().map((metric) => {
    const { name, type, labelNames } = metric as typeof metric & { readonly labelNames: readonly string[] }
    return { name, type, labels: [...labelNames] }
  })
}

test('docs/metrics.md has every metric with its type, unit and labels, and no other', async (t) => {
  const rows = rowsOf(sectionOf(metricsDocument, 'The metrics')).filter(([name]) => name !== 'metric')
  const documented = rows.map(([name = '', type, unit = '', labels = '', what = '']) => {
    assert.ok(unit !== '' && what !== '', name)
    if (name.includes('_seconds')) assert.equal(unit, 'seconds', name)
    if (type === 'counter') assert.match(name, /_total`$/)
    return { name: `webdispatcher_${codeIn(name)}`, type, labels: codesOf([[labels]]) }
  })
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)
  assert.deepEqual(documented.toSorted(byName), (await ownMetrics(t)).toSorted(byName))
})

test('docs/metrics.md says what each label holds', async (t) => {
  const rows = rowsOf(sectionOf(metricsDocument, 'What the labels say')).filter(([label]) => label !== 'label')
  const labels = new Set((await ownMetrics(t)).flatMap((metric) => metric.labels))
  // These are told in the row of their metric, or in a document of their own.
  for (const elsewhere of ['fault', 'to', 'why']) labels.delete(elsewhere)
  sameNames(new Set(codesOf(rows)), labels)
})

/** The names of all series that a gateway shows: a histogram has three. */
async function seriesNames(t: TestContext): Promise<Set<string>> {
  const { metrics } = await quietApp(t)
  const types = [...(await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]
    )
  )
}

/** The metrics that texts of PromQL name. */
const metricsIn = (...texts: readonly string[]) =>
  texts.flatMap((text) => text.match(/\b(?:webdispatcher|process|nodejs)_[a-z0-9_]+/g) ?? [])

test('the queries and alerts of docs/metrics.md use metrics that exist', async (t) => {
  const known = await seriesNames(t)
  const section = chapterOf(metricsDocument, 'Queries and alerts')
  const code = [...section.matchAll(/```(promql|yaml)\n([\s\S]*?)```/g)]
  assert.ok(code.filter(([, language]) => language === 'promql').length >= 4)
  for (const name of metricsIn(...code.map(([, , text = '']) => text))) assert.ok(known.has(name), name)
  const rules = parse(code.find(([, language]) => language === 'yaml')?.[2] ?? '') as {
    groups: { rules: { alert: string; expr: string }[] }[]
  }
  assert.ok((rules.groups[0]?.rules.length ?? 0) >= 5)
})

test('the example of docs/metrics.md is a scrape config', () => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(metricsDocument) ?? []
  const { scrape_configs: jobs } = parse(yaml) as { scrape_configs: Record<string, unknown>[] }
  assert.deepEqual(Object.keys(jobs[0] ?? {}), ['job_name', 'static_configs', 'authorization'])
})

interface Dashboard {
  readonly schemaVersion: number
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[]
  }
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly datasource?: { readonly uid: string }
    readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  }[]
}

test('docs/grafana-dashboard.json asks a chosen Prometheus, for metrics that exist, and shows all of ours', async (t) => {
  const dashboard = JSON.parse(read('docs/grafana-dashboard.json')) as Dashboard
  assert.ok(dashboard.schemaVersion >= 39)
  const [source, ...variables] = dashboard.templating.list
  assert.deepEqual([source?.name, source?.type, source?.query], ['datasource', 'datasource', 'prometheus'])
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')
  const targets = panels.flatMap((panel) => panel.targets ?? [])
  for (const { datasource } of [...panels, ...targets]) assert.equal(datasource?.uid, '${' + 'datasource}')
  const known = await seriesNames(t)
  const used = metricsIn(...targets.map(({ expr }) => expr), JSON.stringify(variables))
  for (const name of used) assert.ok(known.has(name), name)
  const shown = new Set(used.map((name) => name.replace(/_(?:bucket|sum|count)$/, '')))
  for (const { name } of await ownMetrics(t)) assert.ok(shown.has(name), `${name} is in no panel`)
})

test('docs/grafana-dashboard.json has a place of its own for each panel, and quotes and braces that close', () => {
  const { panels } = JSON.parse(read('docs/grafana-dashboard.json')) as Dashboard
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { gridPos, title, targets = [] } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), title)
        taken.add(`${x} ${y}`)
      }
    }
    for (const { expr } of targets) {
      const count = (character: string) => expr.split(character).length
      for (const [open, close] of ['()', '{}', '[]']) assert.equal(count(open as string), count(close as string), expr)
      assert.equal(count('"') % 2, 1, expr)
    }
  }
})

// docs/dependencies.md, docs/architecture.md

test('docs/dependencies.md has every dependency, and no other', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>
  const document = read('docs/dependencies.md')
  sameNames(codesOf(rowsOf(sectionOf(document, 'At run time'))), Object.keys(dependencies ?? {}))
  sameNames(codesOf(rowsOf(sectionOf(document, 'For development'))), Object.keys(devDependencies ?? {}))
})

test('docs/architecture.md sends nobody to a file that is not there', () => {
  const paths = codesOf(rowsOf(sectionOf(read('docs/architecture.md'), 'Where to make a change')), 1)
  assert.ok(paths.length > 10)
  for (const path of paths) assert.ok(existsSync(join(root, path)), path)
})

// Links, and what no text may hold.

const documents = ['.', 'docs', 'docker', '.ci'].flatMap((directory) =>
  existsSync(join(root, directory))
    ? readdirSync(join(root, directory)).flatMap((name) => (name.endsWith('.md') ? [join(directory, name)] : []))
    : []
)

/** The anchors of a document's headings, as GitHub makes them. */
const anchorsOf = (document: string) =>
  [...document.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
  )

for (const document of documents) {
  test(`every relative link of ${document} resolves`, () => {
    for (const [, link = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? document : relative(root, join(root, dirname(document), path))
      assert.ok(existsSync(join(root, file)), link)
      if (anchor !== undefined) assert.ok(anchorsOf(read(file)).includes(anchor), link)
    }
  })
}

test('the documents were found', () => {
  for (const name of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'docs/faults.md']) {
    assert.ok(documents.includes(name), name)
  }
})

test('CHANGELOG.md has the version of package.json', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  assert.ok(read('CHANGELOG.md').includes(`## [${version}]`))
})

test('.ci/run can be run, and stops at the first failure', () => {
  assert.ok((statSync(join(root, '.ci/run')).mode & 0o111) !== 0)
  const script = read('.ci/run')
  assert.match(script, /^#!\/usr\/bin\/env bash\n/)
  assert.match(script, /^set -euo pipefail$/m)
  // Not within a list: bash lets `set -e` pass over all but its last command.
  assert.doesNotMatch(script, /^npm .*(?:&&|\|\||;|\|)/m)
})

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-docs-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { choosePlugins, switchable } from '../../gateway/catalogue.ts'
import { mistakesIn, parse } from './config.ts'

const optionsOf = (wishes: object) =>
  Object.fromEntries(
    parse({ plugins: wishes, defaultRealm: 'admin' }).plugins.map(({ name, options }) => [name, options])
  )

const session = {
  cookie: { name: 'pb_dispatch' },
  upstreamCookies: { access_token: 'access_token', session_id: 'session_id' }
}
const login = { forwardOn: ['Server.Session.auth_failed'], hints: true, rateLimit: { max: 60, window: 60_000 } }

test('without a word every plugin is on, with its defaults', () => {
  const defaults = { 'realm-detection': {}, 'remote-session': session, 'login-forwarding': login, 'web-portal': {} }
  const found = optionsOf({})
  for (const [name, options] of Object.entries(defaults)) assert.deepEqual(found[name], options, name)
})

for (const { name } of switchable) {
  test(`${name}: true is its defaults, false is off`, () => {
    assert.deepEqual(optionsOf({ [name]: true })[name], optionsOf({})[name])
    assert.equal(optionsOf({ [name]: false })[name], null)
  })
}

/** What a file gives, and the options: defaults fill what is left out, at any depth. */
for (const [name, given, options] of [
  ['remote-session', {}, session],
  ['remote-session', { cookie: { name: 'x' } }, { ...session, cookie: { name: 'x' } }],
  [
    'remote-session',
    { upstreamCookies: { session_id: 'PBSID' } },
    { ...session, upstreamCookies: { access_token: 'access_token', session_id: 'PBSID' } }
  ],
  ['login-forwarding', { hints: false }, { ...login, hints: false }],
  ['login-forwarding', { forwardOn: [] }, { ...login, forwardOn: [] }],
  ['login-forwarding', { rateLimit: false }, { ...login, rateLimit: false }],
  ['login-forwarding', { rateLimit: { max: 5 } }, { ...login, rateLimit: { max: 5, window: 60_000 } }]
] as const) {
  test(`${name}: ${JSON.stringify(given)}`, () => assert.deepEqual(optionsOf({ [name]: given })[name], options))
}

/** wishes, the one mistake that they are */
for (const [wishes, mistake] of [
  [{ metrix: true }, 'plugins.metrix: is not a known key; did you mean metrics?'],
  [{ 'remote-sesion': true }, 'plugins.remote-sesion: is not a known key; did you mean remote-session?'],
  [{ forward: true }, 'plugins.forward: is always on and takes no options'],
  [{ store: {} }, 'plugins.store: is always on and takes no options'],
  [{ 'web-portal': 'yes' }, 'plugins.web-portal: "yes" is not true or false, or a mapping'],
  [{ 'web-portal': { redirect: [] } }, 'plugins.web-portal.redirect: is not a known key; did you mean redirects?'],
  [{ metrics: { x: 1 } }, 'plugins.metrics.x: is not a known key; it takes no options'],
  [{ 'remote-session': { cooky: {} } }, 'plugins.remote-session.cooky: is not a known key; did you mean cookie?'],
  [
    { 'remote-session': { cookie: { nam: 'x' } } },
    'plugins.remote-session.cookie.nam: is not a known key; did you mean name?'
  ],
  [
    { 'remote-session': { cookie: { name: 'a b' } } },
    'plugins.remote-session.cookie.name: "a b" is not a text that matches ^[A-Za-z0-9_.-]+$'
  ],
  [{ 'login-forwarding': { hints: 'no' } }, 'plugins.login-forwarding.hints: "no" is not true or false'],
  [{ 'login-forwarding': { rateLimit: true } }, 'plugins.login-forwarding.rateLimit: true is not false, or a mapping'],
  [
    { 'login-forwarding': { rateLimit: { max: 0 } } },
    'plugins.login-forwarding.rateLimit.max: 0 is not a whole number of at least 1'
  ],
  [{ './nope.ts': true }, 'plugins../nope.ts: there is no such file'],
  [{ '/nope.ts': {} }, 'plugins./nope.ts: there is no such file']
] as const) {
  test(mistake, () => assert.deepEqual(mistakesIn({ plugins: wishes }), [mistake]))
}

test('plugins that is no mapping', () => {
  assert.deepEqual(mistakesIn({ plugins: ['metrics'] }), ['plugins: a list is not a mapping'])
})

test('realm-detection off needs a default realm', () => {
  assert.deepEqual(mistakesIn({ plugins: { 'realm-detection': false } }), [
    'defaultRealm: is missing; with plugins.realm-detection off every request is in it'
  ])
})

const invented = [
  { name: 'ground' },
  { name: 'wall', needs: ['ground'] },
  { name: 'roof', needs: ['ground', 'wall'] },
  { name: 'garden' }
]

/** wishes, plugins on, who steps aside for what, mistakes */
for (const [wishes, on, aside, mistakes] of [
  [{}, 'ground wall roof garden', '', ''],
  [{ garden: false }, 'ground wall roof', '', ''],
  [{ roof: false }, 'ground wall garden', '', ''],
  [{ ground: false }, 'garden', 'wall:ground roof:ground', ''],
  [{ wall: false }, 'ground garden', 'roof:wall', ''],
  [{ wall: false, roof: true }, 'ground garden', 'roof:wall', 'roof needs wall'],
  [{ wall: false, roof: { tiles: 1 } }, 'ground garden', 'roof:wall', 'roof needs wall'],
  [{ ground: false, wall: true }, 'garden', 'wall:ground roof:ground', 'wall needs ground'],
  [
    { ground: false, wall: true, roof: true },
    'garden',
    'wall:ground roof:ground',
    'wall needs ground, roof needs ground'
  ],
  [{ ground: false, wall: false, roof: false }, 'garden', '', '']
] as const) {
  test(`${JSON.stringify(wishes)}: on ${on}; aside ${aside || 'nobody'}; ${mistakes || 'no mistake'}`, () => {
    const told: string[] = []
    const choices = choosePlugins(invented, wishes, (name, need) => told.push(`${name} needs ${need}`))
    const stepped = choices.filter((choice) => choice.aside !== null)
    assert.equal(
      choices
        .filter(({ options }) => options !== null)
        .map(({ name }) => name)
        .join(' '),
      on
    )
    assert.equal(stepped.map((choice) => `${choice.name}:${choice.aside}`).join(' '), aside)
    assert.equal(told.join(', '), mistakes)
  })
}

test('options that the file gives reach the plugin', () => {
  const [, wall] = choosePlugins(invented, { wall: { bricks: 7 } }, assert.fail)
  assert.deepEqual(wall, { name: 'wall', options: { bricks: 7 }, aside: null })
})

function teamDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'webdispatcher-test-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const home = join(directory, 'node_modules', '@acme', 'audit')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(directory, 'acme.ts'), '')
  writeFileSync(join(home, 'package.json'), '{"name":"@acme/audit","main":"main.js"}')
  writeFileSync(join(home, 'main.js'), '')
  return directory
}

test('a team’s own plugins: by path and by package name, on, with options and off', (t) => {
  const directory = teamDirectory(t)
  const package_ = join(directory, 'node_modules', '@acme', 'audit', 'main.js')
  const path = join(directory, 'acme.ts')
  for (const [plugins, expected] of [
    [{ './acme.ts': true }, [{ name: './acme.ts', file: path, options: {} }]],
    [{ './acme.ts': { level: 'full' } }, [{ name: './acme.ts', file: path, options: { level: 'full' } }]],
    [{ './acme.ts': false }, []],
    [{ [path]: true }, [{ name: path, file: path, options: {} }]],
    [{ '@acme/audit': { level: 'full' } }, [{ name: '@acme/audit', file: package_, options: { level: 'full' } }]]
  ] as const) {
    assert.deepEqual(parse({ plugins }, {}, directory).teamPlugins, expected)
  }
})

test('a team’s plugin takes true, false or options', (t) => {
  const directory = teamDirectory(t)
  assert.deepEqual(mistakesIn({ plugins: { './acme.ts': 'yes' } }, {}, directory), [
    'plugins../acme.ts: "yes" is not true or false, or a mapping'
  ])
})

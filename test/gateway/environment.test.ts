import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Env, mistakesIn, parse, withSource } from './config.ts'

const of = (name: string) => `\${${name}}`
const otherwise = (name: string, value: string) => `\${${name}:-${value}}`
const secret = 'a secret of more than thirty-two characters'

/** keys, environment, what is read, what it is */
const filled: readonly (readonly [object, Env, (config: ReturnType<typeof parse>) => unknown, unknown])[] = [
  [{ secret: of('S') }, { S: secret }, (config) => config.secret, secret],
  [{ secret: of('S') }, { S: '1'.repeat(32) }, (config) => config.secret, '1'.repeat(32)],
  [{ secret: `${of('A')}-${of('B')}` }, { A: secret, B: 'x' }, (config) => config.secret, `${secret}-x`],
  [{ ops: { token: otherwise('T', '') } }, {}, ({ ops }) => ops.token, ''],
  [{ ops: { token: otherwise('T', '') } }, { T: 'x'.repeat(16) }, ({ ops }) => ops.token, 'x'.repeat(16)],
  [{ logLevel: otherwise('L', 'warn') }, {}, ({ logLevel }) => logLevel, 'warn'],
  [{ logLevel: otherwise('L', 'warn') }, { L: '' }, ({ logLevel }) => logLevel, 'warn'],
  [{ logLevel: otherwise('L', 'warn') }, { L: 'debug' }, ({ logLevel }) => logLevel, 'debug'],
  // Numbers and flags.
  [{ listen: [{ port: of('P') }] }, { P: '8081' }, ({ listen }) => listen[0]?.port, 8081],
  [{ listen: [{ port: otherwise('P', '8082') }] }, {}, ({ listen }) => listen[0]?.port, 8082],
  [{ bodyLimit: of('B') }, { B: '2048' }, ({ bodyLimit }) => bodyLimit, 2048],
  [{ debugHeaders: of('D') }, { D: 'true' }, ({ debugHeaders }) => debugHeaders, true],
  [{ debugHeaders: otherwise('D', 'false') }, {}, ({ debugHeaders }) => debugHeaders, false],
  [{ trustProxy: otherwise('T', 'false') }, {}, ({ trustProxy }) => trustProxy, false],
  [{ trustProxy: otherwise('T', 'false') }, { T: '10.0.0.0/8' }, ({ trustProxy }) => trustProxy, '10.0.0.0/8'],
  [{ trustProxy: [of('T')] }, { T: '10.0.0.0/8' }, ({ trustProxy }) => trustProxy, ['10.0.0.0/8']],
  [{ workers: otherwise('W', '1') }, {}, ({ workers }) => workers, 1],
  [withSource({ health: of('H') }), { H: 'false' }, ({ systems }) => systems.source.health, false],
  [
    withSource({ health: { interval: of('H') } }),
    { H: '700' },
    ({ systems }) => (systems.source.health as { interval: number }).interval,
    700
  ],
  [withSource({ timeouts: { connect: of('C') } }), { C: '5' }, ({ systems }) => systems.source.timeouts.connect, 5],
  [withSource({ tls: { insecure: of('I') } }), { I: 'true' }, ({ systems }) => systems.source.tls.insecure, true],
  [
    { plugins: { 'web-portal': of('W') } },
    { W: 'false' },
    ({ plugins }) => plugins.find(({ name }) => name === 'web-portal')?.options,
    null
  ],
  // A text that looks like a number stays one where a text is wanted, and what is no variable stays as it is.
  [withSource({ release: of('R') }), { R: '100' }, ({ systems }) => systems.source.release, '100'],
  [{ secret: `$S \${} \${a-b} ${'x'.repeat(32)}` }, {}, (config) => config.secret, `$S \${} \${a-b} ${'x'.repeat(32)}`],
  // The environment is not read twice.
  [{ secret: of('S') }, { S: `${of('T')} ${secret}`, T: 'x' }, (config) => config.secret, `${of('T')} ${secret}`]
]

for (const [keys, env, read, expected] of filled) {
  test(`${JSON.stringify(keys)} in ${JSON.stringify(env)} gives ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(read(parse(keys, env)), expected)
  })
}

/** keys, environment, the one mistake that they are */
const wrong: readonly (readonly [object, Env, string])[] = [
  [{ secret: of('S') }, {}, 'secret: the environment has no S'],
  [{ listen: [{ port: of('P') }] }, {}, 'listen[0].port: the environment has no P'],
  [{ defaultRealm: of('R') }, {}, 'defaultRealm: the environment has no R'],
  [withSource({ url: of('U') }), {}, 'systems.source.url: the environment has no U'],
  [{ listen: [{ port: of('P') }] }, { P: '80x' }, 'listen[0].port: "80x" is not a whole number from 0 to 65535'],
  [{ listen: [{ port: of('P') }] }, { P: '70000' }, 'listen[0].port: 70000 is not a whole number from 0 to 65535'],
  [{ debugHeaders: of('D') }, { D: 'yes' }, 'debugHeaders: "yes" is not true or false'],
  [{ bodyLimit: of('B') }, { B: '' }, 'bodyLimit: "" is not a whole number of at least 1024']
]

for (const [keys, env, mistake] of wrong) {
  test(`${JSON.stringify(env)}: ${mistake}`, () => assert.deepEqual(mistakesIn(keys, env), [mistake]))
}

test('a number in the file that is a text is a mistake: only the environment is text by nature', () => {
  assert.equal(mistakesIn({ bodyLimit: '2048' }).length, 1)
})

const hidden = 'hunter2'

for (const [what, keys] of [
  ['a short secret', { secret: hidden }],
  ['a secret that is a list', { secret: [hidden] }],
  ['a secret that is a mapping', { secret: { value: hidden } }],
  ['a secret from the environment', { secret: of('S') }],
  ['a short ops token', { ops: { token: hidden } }],
  ['an ops token that is a list', { ops: { token: [hidden] } }],
  ['ops written as a list', { ops: [{ token: hidden }] }],
  ['a password in a URL', withSource({ url: `https://admin:${hidden}@10.0.0.2` })],
  ['a password in a realm’s URL', withSource({ realms: { customer: `https://admin:${hidden}@10.0.0.2` } })],
  ['a password in the store’s URL', { store: `redis://:${hidden}@10.0.0.9:6379/none` }]
] as const) {
  test(`${what} is not shown in the mistake`, () => {
    const lines = mistakesIn(keys, { S: hidden })
    assert.ok(lines.length > 0)
    assert.ok(!lines.join('\n').includes(hidden), lines.join('\n'))
  })
}

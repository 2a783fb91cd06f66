import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownStore, storePlace, storePlaceMistake } from '../../../plugins/store/place.ts'

const redis = {
  kind: 'redis',
  form: 'single',
  isTls: false,
  hosts: [{ host: 'redis.example', port: 6379 }],
  username: undefined,
  password: undefined,
  master: '',
  db: 0,
  prefix: 'webdispatcher'
}
const three = [1, 2, 3].map((at) => ({ host: `s${at}`, port: 26_379 }))

const places = [
  ['memory', { kind: 'memory' }],
  ['file:/var/lib/dispatcher.db', { kind: 'file', path: '/var/lib/dispatcher.db' }],
  ['file:./dispatcher.db', { kind: 'file', path: '/etc/gateway/dispatcher.db' }],
  ['redis://redis.example', redis],
  ['redis://redis.example/', redis],
  ['rediss://redis.example:6380/2', { ...redis, isTls: true, hosts: [{ host: 'redis.example', port: 6380 }], db: 2 }],
  ['redis://[::1]:7000', { ...redis, hosts: [{ host: '::1', port: 7000 }] }],
  ['redis://u:p%40%2Fq:r@redis.example', { ...redis, username: 'u', password: 'p@/q:r' }],
  ['redis://:p/w@redis.example/1', { ...redis, password: 'p/w', db: 1 }],
  ['redis://redis.example?prefix=second', { ...redis, prefix: 'second' }],
  [
    'redis+sentinel://:pw@s1,s2:26379,s3/mymaster/4',
    { ...redis, form: 'sentinel', hosts: three, password: 'pw', master: 'mymaster', db: 4 }
  ],
  [
    'rediss+cluster://n1:7000,n2',
    {
      ...redis,
      form: 'cluster',
      isTls: true,
      hosts: [
        { host: 'n1', port: 7000 },
        { host: 'n2', port: 6379 }
      ]
    }
  ]
] as const

for (const [text, place] of places) {
  test(`store ${text} is a place`, () => {
    assert.equal(storePlaceMistake(text), null)
    assert.deepEqual(storePlace(text, '/etc/gateway'), place)
  })
}

const mistakes = [
  ['', /^"" is not memory, file:PATH, or a URL that begins with redis:\/\//],
  ['Memory', /^"Memory" is not memory/],
  ['redis:/x', /^"redis:\/x" is not memory/],
  ['valkey://h', /^"valkey:\/\/h" is not memory/],
  ['file:', /names no file/],
  ['file:///var/x', /names no file/],
  ['file:./folder/', /names no file/],
  ['redis://', /names no host/],
  ['redis://h:0', /has a host that is not NAME or NAME:PORT/],
  ['redis://h:70000', /has a host that is not/],
  ['redis://h 1', /has a host that is not/],
  ['redis://h1,h2', /names several hosts; that is for redis\+sentinel/],
  ['redis://user@h', /has no password before @/],
  ['redis://h/x', /is not the number of a database/],
  ['redis://h/1/2', /is not the number of a database/],
  ['redis+sentinel://h:26379', /does not end with the master's name/],
  ['redis+cluster://h/1', /a Cluster has none/],
  ['redis://h?prefix=', /has a prefix that is not 1 to 64/],
  ['redis://h?prefix=a:b', /has a prefix that is not/],
  ['redis://h?password=hidden', /has an option other than prefix/],
  ['redis://u:hidden%zz@h', /has a % that encodes nothing/],
  ['redis://u:hidden@', /names no host/],
  ['redis:/u:hidden@h', /is not memory/],
  ['u:hidden@h', /is not memory/],
  ['redis://u:hi@hidden@h,h', /names several hosts/]
] as const

for (const [text, says] of mistakes) {
  test(`store ${JSON.stringify(text)} is a mistake, and shows no password`, () => {
    const mistake = storePlaceMistake(text) ?? assert.fail('it is accepted')
    assert.match(mistake, says)
    assert.doesNotMatch(mistake, /hidden/)
  })
}

const shown = [
  ['memory', 'memory'],
  ['file:./a@b.db', 'file:./a@b.db'],
  ['redis://h:1/2?prefix=p', 'redis://h:1/2?prefix=p'],
  ['redis://user:pw@h', 'redis://user:***@h'],
  ['redis://:pw@h', 'redis://:***@h'],
  ['redis://token@h', 'redis://:***@h'],
  ['redis+sentinel://u:p@w/x@a,b/m', 'redis+sentinel://u:***@a,b/m'],
  ['redis://h?pw=x&prefix=p', 'redis://h?pw=***&prefix=p']
] as const

for (const [text, as] of shown) {
  test(`store ${text} is shown as ${as}`, () => assert.equal(shownStore(text), as))
}

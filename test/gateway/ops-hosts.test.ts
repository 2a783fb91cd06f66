import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { createHostCheck, readWholeUrl } from '../../gateway/ops/access/hosts.ts'

const isOwnHost = createHostCheck(['0.0.0.0', 'ops.example.com', 'Gateway-1'])

const own = [
  '127.0.0.1',
  '127.0.0.1:9090',
  '10.1.2.3',
  '[::1]:9090',
  '[::1]',
  '[2001:DB8::1]:80',
  '[::ffff:127.0.0.1]:9090',
  'localhost',
  'LOCALHOST:9090',
  'localhost.:9090',
  'gateway.localhost:9090',
  'ops.example.com',
  'OPS.Example.com.:443',
  'gateway-1:9090',
  'localhost:'
]
for (const host of own) {
  test(`ops answers to ${host}`, () => assert.equal(isOwnHost(host), true))
}

const others = [
  undefined,
  '',
  ':9090',
  '.',
  'evil.test',
  'evil.test:9090',
  '127.0.0.1.evil.test',
  'localhost.evil.test',
  'evillocalhost',
  'evil-localhost:9090',
  'a.ops.example.com',
  'ops.example.com.evil.test',
  'localhost..',
  '.localhost',
  '127.0.0.1@evil.test',
  'localhost:80@evil.test',
  'evil.test#localhost',
  'evil.test/localhost',
  'evil.test\\localhost',
  'localhost evil.test',
  'localhost,evil.test',
  'localhost\n',
  'localhost:80:80',
  'localhost:http',
  '::1',
  '[::1',
  '[::1]evil.test',
  '[::1].evil.test:80',
  '[evil.test]',
  '[127.0.0.1]',
  '[]',
  '[::1%25lo]',
  '127.1',
  '0x7f.0.0.1',
  '2130706433',
  '0177.0.0.1',
  '127.0.0.256',
  '127.0.0.1.0',
  'l\u043ecalhost',
  'xn--lcalhost-6fg'
]
for (const host of others) {
  test(`ops does not answer to ${JSON.stringify(host)}`, () => assert.equal(isOwnHost(host), false))
}

const targets: readonly [url: string, path: string, host: string][] = [
  ['/systems', '/systems', 'localhost'],
  ['*', '*', 'localhost'],
  ['http://evil.test/systems', '/systems', 'evil.test'],
  ['HTTP://evil.test:80/systems?a=http://b/', '/systems?a=http://b/', 'evil.test:80'],
  ['http://localhost@evil.test/systems', '/systems', 'localhost@evil.test'],
  ['ftp://evil.test', '/', 'evil.test'],
  ['http://evil.test?x', '/?x', 'evil.test'],
  ['http:///systems', '/systems', ''],
  ['//evil.test/systems', '//evil.test/systems', 'localhost']
]
for (const [url, path, host] of targets) {
  test(`the request target ${url} is ${path} of ${host}`, () => {
    const raw = { url, headers: { host: 'localhost' } }
    assert.equal(readWholeUrl(raw as unknown as IncomingMessage), path)
    assert.equal(raw.headers.host, host)
  })
}

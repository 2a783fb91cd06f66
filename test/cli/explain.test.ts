import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { describedBy } from '../../cli/curl.ts'
import { shellWords } from '../../cli/shell-words.ts'
import { hosts, startWorld } from '../build.ts'
import { login } from '../client.ts'
import { write } from '../gateway/command.ts'
import { command, startOps } from './command.ts'

suite('the words of a pasted line', () => {
  for (const [line, words] of [
    ['curl  -s x', ['curl', '-s', 'x']],
    [`-H 'a: b' -d '{"x": "y z"}'`, ['-H', 'a: b', '-d', '{"x": "y z"}']],
    [String.raw`-d "a \"b\" \$c \d"`, ['-d', String.raw`a "b" $c \d`]],
    ['a \\\n  b\\\r\n c', ['a', 'b', 'c']],
    [String.raw`it\'s 'don'\''t'`, ["it's", "don't"]],
    [String.raw`$'caf\u00e9 \'x\' \x41\n\\'`, ["café 'x' A\n\\"]],
    [`''`, ['']],
    ['', []]
  ] as const) {
    test(JSON.stringify(line), () => assert.deepEqual(shellWords(line), words))
  }

  for (const line of [`'open`, `"open`, `$'open`]) {
    test(`refuses ${line}`, () => assert.throws(() => shellWords(line), /a quote that does not end/))
  }
})

const files: Readonly<Record<string, string>> = { 'a.json': '{\n"a":1\n}' }
const readFile = (name: string) => files[name] ?? assert.fail(name)
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

suite('a request by curl’s arguments', () => {
  for (const [args, described] of [
    [['http://h/x'], { method: 'GET', url: 'http://h/x', headers: {}, body: '' }],
    [['-sSik', 'http://h/x', '-o', '/dev/null'], { method: 'GET', url: 'http://h/x', headers: {}, body: '' }],
    [['h/x', '-d', 'a=1', '-d', 'b=2'], { method: 'POST', url: 'http://h/x', headers: form, body: 'a=1&b=2' }],
    [
      ['/x', '-sXPUT', '-H', 'Content-Type: application/json', '-d{}'],
      { method: 'PUT', url: '/x', headers: json, body: '{}' }
    ],
    [['/x', '--json', '{}'], { method: 'POST', url: '/x', headers: json, body: '{}' }],
    [['/x', '-d', '@a.json'], { method: 'POST', url: '/x', headers: form, body: '{"a":1}' }],
    [['/x', '--data-binary', '@a.json'], { method: 'POST', url: '/x', headers: form, body: '{\n"a":1\n}' }],
    [['/x', '--data-raw', '@a.json'], { method: 'POST', url: '/x', headers: form, body: '@a.json' }],
    [['-G', '/x?a=1', '-d', 'b=2'], { method: 'GET', url: '/x?a=1&b=2', headers: {}, body: '' }],
    [['/x', '-b', 'a=1', '-H', 'Cookie: b=2'], { method: 'GET', url: '/x', headers: { cookie: 'a=1; b=2' }, body: '' }],
    [['/x', '-u', 'a:b'], { method: 'GET', url: '/x', headers: { authorization: 'Basic YTpi' }, body: '' }],
    [['--url', '/x', '-I'], { method: 'HEAD', url: '/x', headers: {}, body: '' }]
  ] as const) {
    test(args.join(' '), () => assert.deepEqual(describedBy(args, readFile), described))
  }

  for (const [args, message] of [
    [['/x', '-F', 'a=@b'], /-F is not known/],
    [['/x', '/y'], /one URL/],
    [['/x', '-H'], /-H needs a value/],
    [['/x', '-H', 'nothing'], /a name, a colon and a value/],
    [['-s'], /needs a URL/]
  ] as const) {
    test(`refuses ${args.join(' ')}`, () => assert.throws(() => describedBy(args, readFile), message))
  }
})

test('explains what curl would send, by arguments, a file and the input; nothing is sent', async (t) => {
  const world = await startWorld(t)
  const { accessToken } = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
  for (const system of [world.source, world.target]) system.journal.clear()
  const url = `http://${hosts.customer}/rest/Customer/get_customer_info`
  const at = ['--ops', world.opsUrl]
  const said =
    'POST /rest/Customer/get_customer_info → source, because session_record (the gateway remembers this session)\n'
  const authorization = `Authorization: Bearer ${accessToken}`
  const args = ['-s', '-X', 'POST', url, '-H', authorization]
  assert.deepEqual(await command(['explain', ...args, ...at]), { code: 0, out: said, err: '' })

  const line = `curl -s '${url}' \\\n -H '${authorization}' --data-raw '{"params":{}}'\n`
  const described = JSON.stringify({ url, headers: { authorization } })
  const named = write(t, { line, described: described.replace('Authorization: ', '') })
  assert.equal((await command(['explain', '--file', named('line'), ...at])).out, said)
  assert.equal((await command(['explain', '--file', named('described'), ...at])).out, said)
  assert.equal((await command(['explain', ...at], { input: line })).out, said)
  assert.equal((await command(['explain', '--file', '-', ...at], { input: line })).out, said)

  const { out } = await command(['explain', '--json', ...args, ...at])
  assert.equal(JSON.parse(out).reason, 'session_record')
  const ofLogin = await command([
    'explain',
    `http://${hosts.customer}/rest/Session/login`,
    '--json',
    '{"params":{"login":"x"}}',
    ...at
  ])
  assert.match(
    ofLogin.out,
    /^POST \/rest\/Session\/login → target, because login \(.*\)\nif that one refuses or is away: source\n$/
  )
  assert.equal(world.source.journal.count() + world.target.journal.count(), 0)
})

test('credentials in a path are not shown', async (t) => {
  const { opsUrl } = await startWorld(t)
  const url = `http://${hosts.customer}/rest/Customer/get_customer_info/${encodeURIComponent('{"session_id":"hunter2"}')}/{}?x=hunter2`
  const { code, out } = await command(['explain', url, '--ops', opsUrl])
  assert.equal(code, 0)
  assert.match(out, /^GET \/rest\/Customer\/get_customer_info → /)
  assert.ok(!out.includes('hunter2'))
})

test('refusals are 1, wrong usage is 2', async (t) => {
  const { opsUrl } = await startWorld(t)
  const refused = await command(['explain', 'http://stranger.test/x', '--ops', opsUrl])
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^the gateway refuses: Client\.Dispatcher\.unknown_realm: .* \(421\)\n$/)
  const ops = await startOps(t, [[200, {}]])
  for (const [args, input] of [
    [[], undefined],
    [[], 'hello'],
    [['--file', '/nowhere'], undefined],
    [['--file', 'x', '/x'], undefined]
  ] as const) {
    const { code } = await command(['explain', ...args, '--ops', ops.url], input === undefined ? {} : { input })
    assert.equal(code, 2)
  }
  assert.equal(ops.heard.length, 0)
})

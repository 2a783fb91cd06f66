import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { login } from '../client.ts'
import { write } from '../gateway/command.ts'
import { command, startOps } from './command.ts'

test('explains what curl would send, by arguments, a file and the input; nothing is sent', async (t) => {
  const world = await startWorld(t)
  const { accessToken } = await login(world.url, 'customer', world.source.users.firstActiveCustomer())
  for (const system of [world.source, world.target]) system.journal.clear()
  const url = `http://${hosts.customer}/rest/Customer/get_customer_info`
  const at = ['--ops', world.opsUrl]
  const said =
    'POST /rest/Customer/get_customer_info → source, because session_record\nThe gateway remembers this session.\n'
  const authorization = `Authorization: Bearer ${accessToken}`
  const args = ['-s', '-X', 'POST', url, '-H', authorization]
  assert.deepEqual(await command(['explain', ...args, ...at]), { code: 0, out: said, err: '' })

  const line = `curl -s '${url}' \\\n -H '${authorization}' --data-raw '{"params":{}}'\n`
  const described = JSON.stringify({ url, headers: { authorization } })
  const http = `POST ${url} HTTP/1.1\r\n${authorization}\r\n\r\n{"params":{}}`
  const named = write(t, { line, described: described.replace('Authorization: ', ''), http, body: '{"params":{}}' })
  assert.equal((await command(['explain', '--file', named('line'), ...at])).out, said)
  assert.equal((await command(['explain', '--file', named('described'), ...at])).out, said)
  assert.equal((await command(['explain', '--file', named('http'), ...at])).out, said)
  assert.equal((await command(['explain', url, '-H', authorization, '-d', `@${named('body')}`, ...at])).out, said)
  assert.equal((await command(['explain', ...at], { input: line })).out, said)
  assert.equal((await command(['explain', '--file', '-', ...at], { input: line })).out, said)

  const noted = await command(['explain', ...at], { input: `${line.trim()}; curl ${url}` })
  assert.deepEqual(noted, { code: 0, out: said, err: 'Only the first request is explained.\n' })

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
    /^POST \/rest\/Session\/login → target, because login\nA login asks the target first.*\nif that one refuses or is away: source\n$/
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
    [['--file', 'x', '/x'], undefined],
    [['/x', '/y'], undefined],
    [['/x', '-d', '@/nowhere'], undefined]
  ] as const) {
    const { code } = await command(['explain', ...args, '--ops', ops.url], input === undefined ? {} : { input })
    assert.equal(code, 2)
  }
  assert.equal(ops.heard.length, 0)
})

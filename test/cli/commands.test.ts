import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { freePort } from '../../fleet/ports.ts'
import { startWorld } from '../build.ts'
import { login } from '../client.ts'
import { run, write } from '../gateway/command.ts'
import { command, startOps } from './command.ts'

test('where: a sentence, or the answer as it is', async (t) => {
  const { url, opsUrl, source } = await startWorld(t)
  const user = source.users.firstActiveCustomer()
  await login(url, 'customer', user)
  const at = ['--ops', opsUrl]
  const unknown = await command(['where', 'customer', '7', ...at])
  assert.equal(unknown.code, 0)
  assert.match(
    unknown.out,
    /^customer 7 is somewhere that is not known\nnothing is remembered, .*plugins\.console\.account/
  )
  const hinted = await command(['where', 'login', user.login, '--realm', 'customer', ...at])
  assert.match(
    hinted.out,
    /^the login is on the source: this login last succeeded there, which is a hint and no more\n/
  )
  assert.equal((await command(['migrate', 'finish', '7', '--to', 'target', ...at])).code, 0)
  assert.match(
    (await command(['where', 'customer', '7', ...at])).out,
    /^customer 7 is on the target: from the last word about its move, 20\d\d-/
  )
  const { out } = await command(['where', 'customer', '7', '--json', ...at])
  assert.equal(JSON.parse(out).how, 'told')
})

test('where: somebody who is just moving', async (t) => {
  const since = '2026-11-28T01:02:03.000Z'
  const moving = { to: 'target', since, until: '2026-11-28T01:17:03.000Z' }
  const ops = await startOps(t, [
    [200, { kind: 'account', account: 9, customer: 7, at: 'source', how: 'told', since, moving }]
  ])
  assert.deepEqual(await command(['where', 'account', '9', '--ops', ops.url]), {
    code: 0,
    out: `account 9 (customer 7) is on the source: from the last word about its move, ${since}\nbeing moved to the target since ${since}: writes are held back until ${moving.until} at most\n`,
    err: ''
  })
})

test('status: both systems, the store and faults', async (t) => {
  const { opsUrl, target, url } = await startWorld(t)
  await target.stop()
  await login(url, 'customer', { login: 'x', password: 'y' })
  const { code, out } = await command(['status', '--ops', opsUrl])
  assert.equal(code, 0)
  assert.match(
    out,
    /^system +release +state +breaker +p50 ms +p99 ms +in flight +queued\nsource +MR100 +up +closed .*\ntarget +MR115 +down +closed /
  )
  assert.match(out, /^store: up$/m)
  assert.match(out, /^faults since the start: 1 system_unavailable$/m)
  const json = await command(['status', '--json', '--ops', opsUrl])
  assert.equal(JSON.parse(json.out.split('\n', 1)[0] ?? '').source.release, 'MR100')
})

test('status: who is being moved', async (t) => {
  const system = { release: 'MR100', state: 'up', breaker: 'closed', latencyMs: null, inFlight: 0, queued: 0 }
  const moving = Array.from({ length: 12 }, (_, at) => ({
    i_customer: at + 1,
    to: at === 0 ? null : 'target',
    until: ''
  }))
  const ops = await startOps(t, [
    [200, { source: system, target: system }],
    [200, { moving, counts: {} }],
    [404, {}]
  ])
  const { out } = await command(['status', '--ops', ops.url])
  assert.match(out, /^moving: 12 \(1, 2 to the target, .*10 to the target, and 2 more\)$/m)
})

suite('the token', async () => {
  const token = 'an ops token for tests'.replaceAll(' ', '-')

  test('comes from the environment or a file, and a missing one is said', async (t) => {
    const { opsUrl } = await startWorld(t, { ops: { port: 0, token } })
    const at = ['where', 'customer', '7', '--ops', opsUrl]
    const file = write(t, { token: `${token}\n` })('token')
    assert.equal((await command(at, { env: { OPS_TOKEN: token } })).code, 0)
    assert.equal((await command([...at, '--token-file', file])).code, 0)
    for (const env of [{}, { OPS_TOKEN: 'wrong-token' }]) {
      const { code, err } = await command(at, { env })
      assert.deepEqual(
        [code, err],
        [1, 'the ops token is missing or wrong: set OPS_TOKEN, or give --token-file FILE\n']
      )
    }
  })

  test('goes nowhere else: a redirect is not followed, and no message has it', async (t) => {
    const other = await startOps(t, [[200, {}]])
    const ops = await startOps(t, [[307, {}, { location: `${other.url}/where` }]])
    const { code, err } = await command(['where', 'customer', '7', '--ops', ops.url], { env: { OPS_TOKEN: token } })
    assert.equal(code, 1)
    assert.equal(ops.heard[0]?.authorization, `Bearer ${token}`)
    assert.equal(other.heard.length, 0)
    assert.ok(!err.includes(token))
  })

  test('with a line end inside it, or a file that is not there: wrong usage', async () => {
    const broken = await command(['status'], { env: { OPS_TOKEN: 'a\nb' } })
    assert.equal(broken.code, 2)
    assert.ok(!broken.err.includes('a\nb'))
    assert.match((await command(['status', '--token-file', '/nowhere'])).err, /^\/nowhere cannot be read \(ENOENT\)/)
  })
})

suite('ops', async () => {
  test('nobody there is 3, and WEBDISPATCHER_OPS says where', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, out, err } = await command(['status'], { env: { WEBDISPATCHER_OPS: url } })
    assert.deepEqual([code, out], [3, ''])
    assert.match(err, new RegExp(`^${url} cannot be reached \\(ECONNREFUSED\\): is the gateway running`))
  })

  test('somebody who is no gateway is a refusal', async (t) => {
    const ops = await startOps(t, [[200, 'hello']])
    assert.match((await command(['status', '--ops', ops.url])).err, /does not answer as a gateway/)
  })

  for (const [args, message] of [
    [['where', 'customer', '7', '--ops', 'ftp://x'], /--ops: "ftp:\/\/x" is not/],
    [['where', 'customer', '7', '--ops', 'http://a:b@x'], /--ops: a URL with a password/],
    [['where', 'customer', 'x'], /"x" is no number/],
    [['where', 'person', '7'], /"person" is not customer, account or login/],
    [['where', 'customer'], /where takes/],
    [['where', 'customer', '7', '8'], /where takes/],
    [['where', 'customer', '7', '--realm', 'customer'], /--realm goes with a login/],
    [['wher'], /"wher" is no command; there are where, explain, migrate, status/],
    [['toString'], /is no command/]
  ] as const) {
    test(`${args.join(' ')}: 2`, async () => {
      const { code, err } = await command(args)
      assert.equal(code, 2)
      assert.match(err, message)
    })
  }
})

for (const name of ['where', 'explain', 'migrate', 'status']) {
  test(`${name} --help tells the usage, the common flags and the exit codes`, async () => {
    const { code, out } = await command([name, '--help'])
    assert.equal(code, 0)
    assert.ok(out.startsWith(`Usage: webdispatcher ${name}`))
    for (const word of ['--ops', '--token-file', '--json', 'Exit codes: 0']) assert.ok(out.includes(word), word)
  })
}

test('the process: a command by its name, its exit code, and nothing of a gateway', async (t) => {
  const ops = await startOps(t, [
    [200, { kind: 'customer', customer: 7, at: 'source', how: 'asked', since: null, moving: null }]
  ])
  const env = { WEBDISPATCHER_OPS: ops.url }
  assert.deepEqual(await run(t, ['where', 'customer', '7'], env), {
    code: 0,
    out: 'customer 7 is on the source: both systems were asked just now\n',
    err: ''
  })
  assert.equal((await run(t, ['wher'], env)).code, 2)
})

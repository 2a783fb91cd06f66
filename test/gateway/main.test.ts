import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { suite, test } from 'node:test'
import { until } from '../until.ts'
import { configOf, listening, main, run, write } from './command.ts'
import { pems } from './pems.ts'
import { connect, startHeld } from './wires.ts'

const limit = { timeout: 20_000 }

const lineCount = (text: string) => text.trimEnd().split('\n').length

// Each starts a process: several at a time.
suite('the command', { concurrency: 6 }, () => {
  test('--help tells every flag', limit, async (t) => {
    const { code, out, err } = await run(t, ['--help'])
    assert.deepEqual([code, err], [0, ''])
    for (const flag of ['--config', '--check', '--workers', '--help', '--version']) assert.ok(out.includes(flag), flag)
  })

  test('--version is the package’s', limit, async (t) => {
    const { version } = JSON.parse(readFileSync(resolve(main, '../../package.json'), 'utf8')) as { version: string }
    assert.deepEqual(await run(t, ['--version']), { code: 0, out: `${version}\n`, err: '' })
  })

  for (const [args, message] of [
    [['--chekc'], /--chekc/],
    [['--workers', '0'], /^--workers: "0"/],
    [['--workers', 'many'], /^--workers: "many" is not a whole number from 1 to 999, or auto$/m],
    [['--workers', '2'], /^--workers: the demonstration is one process/],
    [['--check'], /--config/]
  ] as const) {
    test(`${args.join(' ')}: one word of why, and 1`, limit, async (t) => {
      const { code, out, err } = await run(t, args)
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, message)
      assert.ok(!err.includes('    at '), err)
    })
  }

  for (const from of ['--config', 'WEBDISPATCHER_CONFIG'] as const) {
    test(`--check of a good config, by ${from}: realms, systems, plugins, and 0`, limit, async (t) => {
      const file = write(t, { 'a.yaml': configOf({ port: 8080, more: 'plugins: { web-portal: false }' }) })('a.yaml')
      const args = from === '--config' ? ['--config', file] : []
      const { code, out, err } = await run(
        t,
        ['--check', ...args],
        from === '--config' ? {} : { WEBDISPATCHER_CONFIG: file }
      )
      assert.deepEqual([code, err], [0, ''])
      for (const line of [
        `${file} is valid`,
        'http://127.0.0.1:8080',
        'customer: www.customer.example',
        'source: MR100 at http://127.0.0.1:9',
        'target: MR115 at http://127.0.0.1:9'
      ]) {
        assert.ok(out.includes(line), line)
      }
      assert.match(out, /plugins on: .*remote-session/)
      assert.match(out, /plugins off: .*web-portal/)
      assert.ok(!out.includes('hunter2'), 'the secret')
    })
  }

  test('--check of a bad config: a line for each mistake, and 1', limit, async (t) => {
    const file = write(t, { 'a.yaml': 'listen: []\nsecret: hunter2\nsystms: {}\n' })('a.yaml')
    const { code, out, err } = await run(t, ['--config', file, '--check'])
    assert.deepEqual([code, out], [1, ''])
    assert.deepEqual(err.trimEnd().split('\n').sort(), [
      'listen: is empty; at least one is needed',
      'secret: the value is not a text of at least 32 characters, or a list',
      'systems: is missing; it takes a mapping',
      'systms: is not a known key; did you mean systems?'
    ])
  })

  test('a config that is not there: one line, and 1', limit, async (t) => {
    const file = write(t, {})('nope.yaml')
    assert.deepEqual(await run(t, ['--config', file]), {
      code: 1,
      out: '',
      err: `${file}: cannot be read (ENOENT)\n`
    })
  })

  test('a taken port: one clear line, and 1', limit, async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const { port } = taken.address() as AddressInfo
    const { code, err } = await run(t, ['--config', write(t, { 'a.yaml': configOf({ port }) })('a.yaml')])
    assert.equal(code, 1)
    assert.equal(lineCount(err), 1, err)
    assert.match(err, new RegExp(`^127\\.0\\.0\\.1:${port} is in use: stop what listens there, or choose another port`))
  })

  /** What no check of the file sees, seen at the start: still a line with the key. */
  for (const [what, more, files, path] of [
    [
      'a team’s plugin that exports nothing',
      'plugins: { ./team.ts: true }',
      { 'team.ts': 'export {}' },
      'plugins../team.ts'
    ],
    [
      'a team’s plugin that cannot be imported',
      'plugins: { ./team.ts: true }',
      { 'team.ts': "import 'nowhere'" },
      'plugins../team.ts'
    ],
    ['a key file without a key', '', { 'key.pem': 'x' }, 'systems.source.keys[0]'],
    ['a certificate that is none', '', { 'cert.pem': 'x', 'key.pem': pems.privateKey }, 'listen[0].tls.cert']
  ] as const) {
    test(`${what}: one line with the key, and 1`, limit, async (t) => {
      const given = configOf({ more })
        .replace('url: http', path.startsWith('systems') ? 'keys: [key.pem], url: http' : 'url: http')
        .replace(
          'port: 0 }',
          path.startsWith('listen') ? 'port: 0, tls: { cert: cert.pem, key: key.pem } }' : 'port: 0 }'
        )
      const { code, err } = await run(t, ['--config', write(t, { ...files, 'a.yaml': given })('a.yaml')])
      assert.equal(code, 1)
      assert.equal(lineCount(err), 1, err)
      assert.ok(err.startsWith(`${path}: `), err)
    })
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} during a slow request lets it finish, then 0`, limit, async (t) => {
      const system = await startHeld(t)
      const { port, child, end } = await listening(t, `http://127.0.0.1:${system.port}`)
      const wire = await connect(t, port)
      const idle = await connect(t, port)
      wire.send('GET /page')
      const [, response] = await system.next()
      child.kill(signal)
      // The idle connection is let go first: the stop has begun, and the request is still in flight.
      await idle.closed()
      response.end('late, and whole')
      const answer = await wire.closed()
      assert.match(answer, /^HTTP\/1\.1 200/)
      assert.match(answer, /late, and whole/)
      const { code, err } = await end
      assert.deepEqual([code, err], [0, ''])
    })
  }

  test('SIGTERM and a request that does not end: cut after `drain`, then 0', limit, async (t) => {
    const system = await startHeld(t)
    const { port, child, end } = await listening(t, `http://127.0.0.1:${system.port}`, 'drain: 50')
    const wire = await connect(t, port)
    wire.send('GET /page')
    await system.next()
    child.kill('SIGTERM')
    await wire.closed()
    assert.equal((await end).code, 0)
  })

  test('--workers comes before the file; several need a store that they share', limit, async (t) => {
    const file = write(t, { 'a.yaml': configOf({ more: 'workers: 7\nstore: file:./a.db' }) })('a.yaml')
    const shared = await run(t, ['--config', file, '--check', '--workers', 'auto'])
    assert.match(shared.out, /^workers: auto, which is \d+ here$/m)
    const alone = write(t, { 'a.yaml': configOf({}) })('a.yaml')
    const { code, err } = await run(t, ['--config', alone, '--check', '--workers', '2'])
    assert.equal(code, 1)
    assert.match(err, /^workers: 2 need a store that they share, .* set store to file:.*, or workers to 1\n$/)
  })

  test('one process: SIGUSR2 does not end it, and a notice comes before its stop', limit, async (t) => {
    const { port, child, end, said } = await listening(t, 'http://127.0.0.1:9', 'notice: 60000')
    child.kill('SIGUSR2')
    await said('a changed config needs a restart')
    const before = await connect(t, port)
    child.kill('SIGTERM')
    // It listens on, and each answer is the last of its connection.
    await until(async () => {
      const wire = await connect(t, port)
      wire.send('GET /page')
      return /^connection: close\r$/im.test(await wire.until('\r\n\r\n'))
    })
    before.send('GET /page')
    assert.match(await before.closed(), /^connection: close\r$/im)
    child.kill('SIGTERM')
    assert.equal((await end).code, 0)
  })

  test('SIGTERM with nothing to do: 0', limit, async (t) => {
    const { port, child, end } = await listening(t, 'http://127.0.0.1:9')
    await connect(t, port)
    child.kill('SIGTERM')
    assert.equal((await end).code, 0)
  })
})

/** What the store does when Redis is stopped, emptied, hangs, or says no; and what it leaves there. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { freePort } from '../../../fleet/ports.ts'
import { createRedisBackend } from '../../../plugins/store/redis/index.ts'
import { certificateFor } from '../../certificates.ts'
import { startTestRedis, temporaryFolder, withoutRedisServer } from '../../redis.ts'
import { until } from '../../until.ts'
import { openProcess } from './hearing.ts'
import { askRedis, startClusterServer, startSentinel } from './redis-forms.ts'

const skip = withoutRedisServer
const hour = 3_600_000
const set = (key: string, value: string) => ({ key, value, ttlMs: hour })

const open = (t: TestContext, url: string) => openProcess(t, createRedisBackend(url))

// They wait for Redis far more than they compute.
suite('the store in Redis', { concurrency: 4 }, () => {
  test('Redis that was emptied is noticed within about a second, and by those who come later', { skip }, async (t) => {
    const redis = await startTestRedis(t)
    const one = await open(t, redis.url)
    const other = await open(t, redis.url)
    await one.backend.clear('p')
    await one.backend.write('p', [set('a', '1')])
    await askRedis(redis.port, 'FLUSHALL')
    const flushed = performance.now()
    for (const { heard, hears, heardAt, backend } of [one, other]) {
      const at = await hears('lost')
      assert.ok((heardAt[at - 1] ?? 0) - flushed < 5000)
      assert.ok(Date.now() - (backend.lostAt ?? 0) < 10_000)
      assert.equal(heard.filter((line) => line === 'lost').length, 1)
    }
    await one.backend.write('p', [set('b', '2')])
    assert.equal((await other.backend.get('p', 'b'))?.value, '2', 'both know the generation again')
    const late = await open(t, redis.url)
    assert.ok(late.backend.lostAt !== null)
    assert.deepEqual(late.heard, ['hears true'], 'it has lost nothing itself')
  })

  test('Redis that was stopped fails commands at once, and is back by itself, empty', { skip }, async (t) => {
    const redis = await startTestRedis(t)
    const { backend, hears, heard } = await open(t, redis.url)
    await backend.write('p', [set('a', '1')])
    await redis.stop()
    await hears('hears false')
    const before = performance.now()
    await assert.rejects(backend.get('p', 'a'), /Redis is away/)
    assert.ok(performance.now() - before < 50)
    const after = heard.length
    await redis.start()
    await hears('hears true', after)
    assert.deepEqual(heard.slice(after), ['lost', 'hears true'])
    assert.equal(await backend.get('p', 'a'), undefined)
  })

  test('Redis that hangs is noticed, holds nobody up, and is heard again when it goes on', { skip }, async (t) => {
    const redis = await startTestRedis(t)
    const one = await open(t, redis.url)
    const other = await open(t, redis.url)
    t.after(() => redis.goOn())
    redis.hang()
    const since = performance.now()
    await assert.rejects(one.backend.get('p', 'a'), /has not answered within 1000 ms/)
    await one.hears('hears false')
    assert.ok(performance.now() - since < 4500)
    const after = one.heard.length
    await other.hears('hears false')
    const otherAfter = other.heard.length
    redis.goOn()
    await Promise.all([one.hears('hears true', after), other.hears('hears true', otherAfter)])
    await one.backend.tell('p', 'again')
    await other.hears('told p again')
    assert.equal(one.backend.lostAt, null)
  })

  test('a start does not wait for Redis that is away, and it heals', { skip }, async (t) => {
    const redis = await startTestRedis(t)
    await redis.stop()
    const before = performance.now()
    const { backend, hears } = await open(t, redis.url)
    assert.ok(performance.now() - before < 2500)
    await assert.rejects(backend.write('p', [set('a', '1')]), /Redis is away/)
    await redis.start()
    await hears('hears true')
    await backend.write('p', [set('a', '1')])
    assert.equal(backend.lostAt, null, 'nothing was lost that it knew')
  })

  test('what no waiting will mend ends the start, and does not show the password', { skip }, async (t) => {
    const { port } = await startTestRedis(t, ['--requirepass', 'the-right-one'])
    const wrong = [
      { url: `redis://:the-wrong-one@127.0.0.1:${port}`, says: /WRONGPASS/ },
      { url: `redis://127.0.0.1:${port}`, says: /NOAUTH/ },
      { url: `redis://:the-right-one@127.0.0.1:${port}/99`, says: /DB index is out of range/ },
      { url: `redis+cluster://:the-right-one@127.0.0.1:${port}`, says: /cluster support disabled/ },
      { url: `redis+cluster://:the-wrong-one@127.0.0.1:${port}`, says: /WRONGPASS/ }
    ]
    for (const { url, says } of wrong) {
      await assert.rejects(open(t, url), (error: Error) => {
        assert.match(error.message, says)
        assert.doesNotMatch(String(error.stack), /-one/)
        return true
      })
    }
    const { backend } = await open(t, `redis://:the-right-one@127.0.0.1:${port}/3`)
    await backend.write('p', [set('a', '1')])
    assert.equal((await backend.get('p', 'a'))?.value, '1')
  })

  test('databases and prefixes share nothing', { skip }, async (t) => {
    const { url } = await startTestRedis(t)
    const places = [url, `${url}/1`, `${url}?prefix=second`]
    const [one, ...others] = await Promise.all(places.map((place) => open(t, place)))
    await one?.backend.write('p', [set('a', '1')])
    await one?.backend.clear('p')
    for (const { backend, heard } of others) {
      await backend.write('p', [set('b', '2')])
      assert.equal(await backend.get('p', 'a'), undefined)
      await backend.tell('q', 'end')
      assert.deepEqual(heard, ['hears true'])
    }
  })

  test('what a forgotten purpose has left is removed, and KEYS is never used', { skip }, async (t) => {
    const { url, port } = await startTestRedis(t)
    const { backend } = await openProcess(t, createRedisBackend(url, { sweepMs: 20 }))
    const many = Array.from({ length: 1500 }, (_, at) => set(String(at), '1'))
    await backend.write('p', many)
    await backend.write('pq', [set('kept', '1')])
    await backend.clear('p')
    await backend.write('p', [set('new', '1')])
    // Epoch, generations, and what was not forgotten.
    await until(async () => /^:4\r/.test(await askRedis(port, 'DBSIZE')))
    assert.equal((await backend.get('p', 'new'))?.value, '1')
    assert.equal((await backend.get('pq', 'kept'))?.value, '1')
    await Array.fromAsync(backend.entries('p'))
    const commands = await askRedis(port, 'INFO commandstats')
    assert.match(commands, /cmdstat_scan:/)
    assert.doesNotMatch(commands, /cmdstat_keys:/)
  })

  test('a message that cannot be read changes nothing; one that is missed is noticed', { skip }, async (t) => {
    const { url, port } = await startTestRedis(t)
    const { backend, heard, hears } = await open(t, url)
    const publish = (text: string) => askRedis(port, `PUBLISH webdispatcher:1:0:changes '${text}'`)
    for (const text of ['', 'x', '{}', '[]', '["o"]', '["o","1"]', '["o",1,2]', '["o",2,"p",{}]', '["o",3,"p",[1]]']) {
      assert.match(await publish(text), /^:1/)
    }
    await publish('["o",4,"p",["a"]]')
    await hears('changed p a')
    assert.deepEqual(heard, ['hears true', 'changed p a'])
    await publish('["o",6]')
    await hears('hears true', 2)
    await publish('["o",7,"p","text"]')
    await hears('told p text')
    assert.equal(heard.length, 4)
    assert.equal(await backend.get('p', 'a'), undefined)
  })

  test('a process that has not heard of a clear learns of it within about a second', { skip }, async (t) => {
    const { url, port } = await startTestRedis(t)
    const { backend, hears } = await open(t, url)
    await backend.write('p', [set('a', '1')])
    await askRedis(port, 'HSET webdispatcher:1:generations p 1700000000000')
    await hears('changed p *')
    assert.equal(await backend.get('p', 'a'), undefined)
  })

  test('Sentinels name another master, and everything goes on there', { skip }, async (t) => {
    const master = await startTestRedis(t)
    const replica = await startTestRedis(t, [
      '--replicaof',
      `127.0.0.1 ${master.port}`,
      '--repl-diskless-sync-delay',
      '0'
    ])
    const url = await startSentinel(t, master)
    const { backend, heard, hears } = await open(t, url)
    await backend.write('p', [set('a', '1')])
    await until(async () => /\$1\r\n1/.test(await askRedis(replica.port, 'GET webdispatcher:1:p:a')))
    const sentinel = Number(new URL(url.replace('redis+', 'http+')).port)
    await until(async () => /num-slaves\r\n\$1\r\n1/.test(await askRedis(sentinel, 'SENTINEL MASTER mymaster')))
    const after = heard.length
    await until(async () => /OK/.test(await askRedis(sentinel, 'SENTINEL FAILOVER mymaster')))
    await hears('hears true', after)
    await until(async () => {
      await backend.write('p', [set('b', '2')])
      return /\$1\r\n2/.test(await askRedis(replica.port, 'GET webdispatcher:1:p:b'))
    })
    assert.equal((await backend.get('p', 'a'))?.value, '1')
    assert.equal(backend.lostAt, null)
  })

  test('a user with the rights that docs/stores.md names can do everything', { skip }, async (t) => {
    const { port } = await startTestRedis(t)
    const document = readFileSync(new URL('../../../docs/stores.md', import.meta.url), 'utf8')
    const [line = ''] = /^ACL SETUSER .*$/m.exec(document) ?? []
    assert.equal(await askRedis(port, line.replace('PASSWORD', 'pw')), '+OK\r\n')
    const troubles: Error[] = []
    const onTrouble = (error: Error) => troubles.push(error)
    const url = `redis://gateway:pw@127.0.0.1:${port}/1`
    const { backend, hears } = await openProcess(t, createRedisBackend(url, { sweepMs: 1, onTrouble }))
    await backend.write('p', [set('a', '1')], true)
    await backend.clear('p')
    await backend.increment('p', 'n', hour)
    await backend.tell('p', 'text')
    await until(async () => /db1:keys=3,/.test(await askRedis(port, 'INFO keyspace')))
    assert.deepEqual(await Array.fromAsync(backend.entries('p')), [['n', '1']])
    await askRedis(port, 'FLUSHALL')
    await hears('lost')
    assert.deepEqual(troubles, [])
  })

  test('over TLS a certificate is verified', { skip }, async (t) => {
    const directory = temporaryFolder(t)
    const { cert, key } = await certificateFor(['localhost'])
    writeFileSync(join(directory, 'cert.pem'), cert)
    writeFileSync(join(directory, 'key.pem'), key)
    const port = await freePort()
    const files = ['--tls-cert-file', join(directory, 'cert.pem'), '--tls-key-file', join(directory, 'key.pem')]
    await startTestRedis(t, ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files])
    const troubles: string[] = []
    const onTrouble = ({ message }: Error) => troubles.push(message)
    const { backend, hears } = await openProcess(t, createRedisBackend(`rediss://localhost:${port}`, { onTrouble }))
    assert.match(troubles[0] ?? '', /self-signed certificate|unable to verify/)
    const usual = getCACertificates('default')
    t.after(() => setDefaultCACertificates(usual))
    setDefaultCACertificates([cert])
    await hears('hears true')
    await backend.write('p', [set('a', '1')])
    assert.equal((await backend.get('p', 'a'))?.value, '1')
  })

  test('a Cluster that was stopped is back by itself', { skip }, async (t) => {
    const { redis, url } = await startClusterServer(t)
    const { backend, heard, hears } = await open(t, url)
    await backend.write('p', [set('a', '1')])
    await redis.stop()
    await hears('hears false')
    await assert.rejects(backend.get('p', 'a'))
    const after = heard.length
    await redis.start()
    await hears('hears true', after)
    assert.deepEqual(heard.slice(after), ['lost', 'hears true'])
    await backend.write('p', [set('a', '2')])
  })

  test('nothing waits for Redis that was never there when the store is closed', async (t) => {
    const { backend } = await open(t, `redis://127.0.0.1:${await freePort()}`)
    await backend.close()
    await assert.rejects(backend.get('p', 'a'))
  })
})

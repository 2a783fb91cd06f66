import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { Spread, Tally } from '../../core/tally.ts'
import { showCounter, showGauge, showHistogram } from '../../plugins/metrics/shown.ts'
import { startWorld } from '../build.ts'
import { scrapeText } from '../scrape.ts'

suite('a tally', () => {
  test('counts by its labels', () => {
    const tally = new Tally()
    tally.at('a').at('x').count++
    tally.at('a').at('x').count++
    tally.at('b').at('x').count++
    assert.deepEqual(
      [...tally.counts(2)],
      [
        [['a', 'x'], 2],
        [['b', 'x'], 1]
      ]
    )
  })

  test('has none before the first', () => assert.deepEqual([...new Tally().counts(3)], []))
})

suite('what is shown', () => {
  test('of a histogram is what prom-client shows of its own', async () => {
    const bounds = [0.001, 0.01, 0.1, 1]
    const value = fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 2, noNaN: true }))
    await fc.assert(
      fc.asyncProperty(fc.array(value), fc.array(value), async (source, target) => {
        const [theirs, ours] = [new Registry(), new Registry()]
        const labels = { name: 'webdispatcher_x_seconds', help: 'Help.', labelNames: ['system'] }
        const histogram = new Histogram({ ...labels, buckets: bounds, registers: [theirs] })
        const spreads = [
          ['source', new Spread(bounds), source],
          ['target', new Spread(bounds), target]
        ] as const
        showHistogram(ours, { name: 'x_seconds', help: 'Help.', labels: ['system'] }, () =>
          spreads.map(([system, spread]) => [[system], spread] as const)
        )
        for (const [system, spread, values] of spreads) {
          histogram.zero({ system })
          for (const one of values) {
            histogram.observe({ system }, one)
            spread.observe(one)
          }
        }
        assert.equal(await ours.metrics(), await theirs.metrics())
      }),
      { numRuns: 50 }
    )
  })

  test('of counters and gauges is what there is when somebody asks', async () => {
    const registry = new Registry()
    let value = 1
    const described = { help: 'Help.', labels: ['a'] }
    showCounter(registry, { name: 'x_total', ...described }, () => [[['1'], value]])
    showGauge(registry, { name: 'y', ...described }, () => [[['1'], value]])
    for (value of [3, 2]) {
      assert.match(await registry.metrics(), new RegExp(`^webdispatcher_x_total\\{a="1"\\} ${value}$`, 'm'))
      assert.match(await registry.metrics(), new RegExp(`^webdispatcher_y\\{a="1"\\} ${value}$`, 'm'))
    }
  })
})

test('gateways of one process count for themselves, and share what is of the process', async (t) => {
  const [one, other] = [await startWorld(t), await startWorld(t)]
  assert.notEqual(one.app.metrics.registry, other.app.metrics.registry)
  const served = 'webdispatcher_faults_total{fault="unknown_realm"}'
  await one.app.inject({ url: '/', headers: { host: 'stranger.test' } })
  assert.ok((await one.app.metrics.text()).includes(`${served} 1`))
  assert.ok((await other.app.metrics.text()).includes(`${served} 0`))
  for (const { app } of [one, other]) assert.match(await app.metrics.text(), /^process_resident_memory_bytes \d+$/m)
})

test("a team's own metrics are shown with ours", async (t) => {
  const { app, opsUrl } = await startWorld(t)
  showGauge(app.metrics.registry, { name: 'of_a_team', help: 'Help.', labels: [] }, () => [[[], 42]])
  assert.match(await scrapeText(opsUrl), /^webdispatcher_of_a_team 42$/m)
})

import assert from 'node:assert/strict'
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import Fastify from 'fastify'
import streamedBytes from '../../plugins/streamed-bytes.ts'

const minorCollection = 1
const kindOf = (entry: PerformanceEntry) => (entry as unknown as { detail: { kind: number } }).detail.kind

test('the young heap is collected after each 8 MB that stream by', async (t) => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(streamedBytes)
  const collections: number[] = []
  const { promise: twice, resolve } = Promise.withResolvers<void>()
  const observer = new PerformanceObserver((list) => {
    collections.push(
      ...list
        .getEntries()
        .filter((entry) => kindOf(entry) === minorCollection)
        .map(({ startTime }) => startTime)
    )
    if (collections.length >= 2) resolve()
  })
  observer.observe({ entryTypes: ['gc'] })
  t.after(() => observer.disconnect())
  const chunks = (16 << 20) / 65_536
  for (let at = 0; at < chunks; at++) app.noteStreamed(65_536)
  await twice
  assert.ok(collections.length >= 2)
  assert.equal((globalThis as { gc?: unknown }).gc, undefined)
})

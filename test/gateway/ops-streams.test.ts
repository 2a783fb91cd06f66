import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { createStreams } from '../../gateway/ops/access/streams.ts'

test('answers that are over are kept of no session', () => {
  const streams = createStreams()
  const [first, second] = Array.from({ length: 2 }, () => new ServerResponse(new IncomingMessage(new Socket())))
  assert.ok(first && second)
  streams.note('a session', first)
  streams.note('a session', second)
  first.emit('close')
  assert.deepEqual([...streams.ids()], ['a session'])
  second.emit('close')
  assert.deepEqual([...streams.ids()], [])
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AnswerReader } from '../../bench/answers.ts'
import { openLoad } from '../../bench/load.ts'
import { meanOf, spreadOf } from '../../bench/table.ts'
import { accessToken, answerBytes, bearerRequest, locatedRequest } from '../../bench/wire.ts'

const answer = (status: number, body: string) =>
  Buffer.from(`HTTP/1.1 ${status} Any\r\ncontent-length: ${body.length}\r\n\r\n${body}`)

test('bench: an answer is read the same however it is cut', () => {
  const bytes = answer(200, 'x'.repeat(20))
  for (let cut = 1; cut < bytes.length; cut++) {
    const reader = new AnswerReader()
    assert.equal(reader.push(bytes.subarray(0, cut)), false)
    assert.equal(reader.push(bytes.subarray(cut)), true)
    assert.deepEqual([reader.status, reader.bodyBytes], [200, 20])
  }
})

test('bench: an answer without a length, or longer than it says, is a mistake', () => {
  assert.throws(() => new AnswerReader().push(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), /without Content-Length/)
  assert.throws(() => new AnswerReader().push(Buffer.concat([answer(200, 'x'), answer(200, 'x')])), /more bytes/)
})

for (const [name, request] of Object.entries({ bearerRequest, locatedRequest })) {
  test(`bench: ${name} has the size that the figures are of`, () => {
    const text = request.toString()
    assert.equal(accessToken.length, 700)
    assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4).length, 150)
  })
}

async function serverThatGives(t: TestContext, bytes: Buffer): Promise<number> {
  const server = createServer((socket) => socket.on('data', () => socket.write(bytes)).on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const wrong = [
  { name: 'another status', bytes: answer(503, 'x'.repeat(answerBytes)) },
  { name: 'a short answer', bytes: answer(200, 'x') }
] as const

for (const { name, bytes } of wrong) {
  test(`bench: the load stops at ${name}`, async (t) => {
    const load = await openLoad(await serverThatGives(t, bytes), bearerRequest, 2)
    t.after(() => load.close())
    await assert.rejects(load.run(0.2), /status \d+ with \d+ bytes/)
  })
}

test('bench: a row shows the median between the least and the most', () => {
  assert.equal(spreadOf([3, 1, 2], 1), '2.0 (1.0-3.0)')
  assert.equal(spreadOf([4, 1, 2, 3], 1), '2.5 (1.0-4.0)')
  assert.equal(spreadOf([1, 2, 6], 1, meanOf), '3.0 (1.0-6.0)')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseline, keepsLimit, type Peer, type Turn } from '../../bench/turns.ts'

const peer = (name: string) => ({ name }) as Peer
const turnsOf = (cpuMicroseconds: number, rounds: number): Turn[] =>
  Array.from({ length: rounds }, () => ({ cpuMicroseconds, perSecond: 1, p99Ms: 1 }))

const cases = [
  { cost: 69, rounds: 5, kept: true, says: /0\.69, kept$/ },
  { cost: 71, rounds: 5, kept: false, says: /0\.71, PASSED$/ },
  { cost: 90, rounds: 4, kept: true, says: /0\.90, not judged below 5 rounds$/ }
] as const

for (const { cost, rounds, kept, says } of cases) {
  test(`bench: ${cost} of 100 us in ${rounds} rounds ${kept ? 'does not fail' : 'fails'}`, () => {
    const turns = new Map([
      [peer('gateway'), turnsOf(cost, rounds)],
      [peer(baseline), turnsOf(100, rounds)]
    ])
    const lines: string[] = []
    const isKept = keepsLimit(turns, 'gateway', 0.7, (line) => lines.push(line))
    assert.equal(isKept, kept)
    assert.match(lines.join(), says)
  })
}

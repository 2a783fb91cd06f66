/** What the page's own logic makes of numbers, times and the gateway's words. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { clock, count, duration, percent, rate, span } from '../../console/format.js'
import { customersIn } from '../../console/pasted/customers.js'
import { realms, reasons } from '../../console/words.js'
import { realmNames } from '../../core/words.ts'

const read = [
  ['7', [7]],
  ['7 9', [7, 9]],
  ['7,9;\n11\t13|15', [7, 9, 11, 13, 15]],
  ['\ufeff7\r\n9\r11', [7, 9, 11]],
  ['[7, "9"]', [7, 9]],
  ['i_customer\n7\n9\n', [7, 9]],
  ['{"i_customer":7}\n{"i_customer": 9}', [7, 9]],
  ['# group 1\n7 # the first\n#9\n11#', [7, 11]],
  ['7 9 7 7', [7, 9], [], 2],
  ['007', [7]],
  ['7-9', [], ['7-9']],
  ['-7', [], ['-7']],
  ['7.5', [], ['7.5']],
  ['28/11/2026 12:30', [], ['28/11/2026', '12:30']],
  ['7\nseven', [7], ['seven']],
  ['7\n７', [7], ['７']],
  ['７', [], ['７']],
  ['{"i_customer":7,"i_env":3}', [7], ['i_env', ':3']],
  ['customer-7', [], ['customer-7']],
  ['0', [], ['0']],
  ['99999999999999999999', [], ['99999999999999999999']],
  ['nobody', []],
  ['', []]
] as const

for (const [text, ids, wrong = [], twice = 0] of read) {
  test(`customers in ${JSON.stringify(text)}`, () => {
    const { mistakes, ...found } = customersIn(text)
    assert.deepEqual(found, { ids, doubles: twice })
    assert.deepEqual(
      mistakes.map(({ entry }) => entry),
      wrong
    )
  })
}

test('every reason of the gateway has a sentence, and no other', () => {
  const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
  const [, section = ''] = operations.split('### Reasons\n')
  const [table = ''] = section.split('\n\n## ')
  const documented = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  assert.deepEqual(Object.keys(reasons).sort(), documented.sort())
})

test('every realm has a name', () => {
  assert.deepEqual(Object.keys(realms), realmNames)
})

test('numbers and times are written short', () => {
  assert.deepEqual(
    [count(1234567), count(null), rate(0), rate(9.54), rate(12.4)],
    ['1\u202f234\u202f567', '–', '0', '9.5', '12']
  )
  assert.deepEqual(
    [duration(0.01), duration(0.44), duration(42.4), duration(1520), duration(61_000), duration(undefined)],
    [
      ['< 0.1', 'ms'],
      ['0.4', 'ms'],
      ['42', 'ms'],
      ['1.5', 's'],
      ['61', 's'],
      ['–', '']
    ]
  )
  assert.deepEqual([percent(1, 3), percent(0, 0)], ['33\u00a0%', '–'])
  assert.deepEqual(
    [span(89_000), span(95_000), span(7_200_000), span(3 * 86_400_000)],
    ['89\u00a0s', '2\u00a0min', '2\u00a0h', '3\u00a0d']
  )
  const noon = new Date(2026, 10, 28, 12, 3, 4).getTime()
  assert.equal(clock(noon, noon), '12:03:04')
  assert.equal(clock(noon, noon + 86_400_000), '2026-11-28 12:03:04')
  assert.equal(clock(Number.NaN), '–')
})

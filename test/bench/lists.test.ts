import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectPage, expectSame, expectWay } from '../../bench/lists/checks.ts'
import { runBench } from './run.ts'

// Whether it works, and what does not depend on who else uses the machine: pages, calls and rows.
test('bench: lists reads pages at every depth, within the budget, and merges', async (t) => {
  const { code, output, errors } = await runBench(t, 'lists --customers 3000 --rounds 1'.split(' '))
  assert.equal(code, 0, errors + output)
  assert.match(output, /^\| order +\| offset \| page +\| calls +\| rows +\| client's ms +\| gateway CPU ms +\|$/m)
  const rows = output.split('\n').filter((line) => /^\| (i_customer|name) /.test(line))
  assert.equal(rows.length, 24, 'two orders, four places, three ways')
  for (const row of rows) assert.doesNotMatch(row, /NaN|Infinity/)
  for (const row of rows.filter((line) => line.includes('next page'))) {
    assert.match(row, /next page +\| 2 \(2-2\) /, 'a remembered place takes two calls')
  }
  assert.match(
    output,
    /^most of a merged page: \d+ calls, \d+ rows, within the budget of 27\.1 calls and 146\.2 rows$/m
  )
  assert.match(output, /^\| two pages of 200 rows +\| KB +\| spliced CPU ms +\| parsed CPU ms +\| ratio +\|$/m)
  assert.match(output, /^highest median ratio of real rows: 0\.\d+, within the limit of 0\.5$/m)
})

test('bench: lists of too few customers are a mistake, not a page that is cut short', async (t) => {
  const { code, errors } = await runBench(t, 'lists --customers 1000 --rounds 1'.split(' '))
  assert.equal(code, 1)
  assert.match(errors, /--customers: 1000 are too few/)
})

const customers = (...ids: number[]) =>
  ids.map((id) => ({ i_customer: id, name: `name ${id}`, bill_status: 'O' }) as const)
const byId = { order: 'i_customer', offset: 1, limit: 2 }

const wrongPages = [
  { name: 'a row too few', rows: customers(2), expected: byId, says: /1 rows instead of 2/ },
  { name: 'another place', rows: customers(3, 4), expected: byId, says: /offset 1 is wrong: row 0 is 3/ },
  { name: 'names out of order', rows: customers(3, 2), expected: { ...byId, order: 'name' }, says: /name 2 behind/ },
  {
    name: "the source's exported row",
    rows: [...customers(2), { i_customer: 3, name: 'name 3', bill_status: 'E' }],
    expected: byId,
    says: /customer 3 is the source's exported row/
  }
] as const

for (const { name, rows, expected, says } of wrongPages) {
  test(`bench: a page with ${name} fails the run`, () => {
    assert.throws(() => expectPage(rows, expected), says)
  })
}

test('bench: a page that the source alone gives otherwise fails the run', () => {
  expectSame(customers(1, 2), customers(1, 2), byId)
  assert.throws(() => expectSame(customers(1, 2), customers(1, 3), byId), /customers 1 2 instead of 1 3/)
})

test('bench: a remembered place that is searched all the same fails the run, and the reverse', () => {
  const given = [
    { calls: 2, rows: 102 },
    { calls: 22, rows: 122 }
  ]
  expectWay({ isSearched: false, given: given.slice(0, 1) })
  assert.throws(() => expectWay({ isSearched: false, given }), /place was known took 22 calls/)
  assert.throws(() => expectWay({ isSearched: true, given }), /place was not known took 2 calls/)
})

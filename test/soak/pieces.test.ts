/**
 * The soak's other pieces can fail too: journals are read rightly, pages and limits are judged, chance can be repeated.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moveCustomer, startSimulator } from '../../simulator/index.ts'
import { arrivalOf, isOver } from '../../soak/arrivals.ts'
import { createDice } from '../../soak/dice.ts'
import { createFaultPlan, faultKinds } from '../../soak/faults.ts'
import { figuresOf } from '../../soak/figures.ts'
import { pageMistake, rowMistake } from '../../soak/load/pages.ts'
import { fewestSeconds, parseOptions, timetableOf } from '../../soak/options.ts'
import { kindOf, type Sample, type Window } from '../../soak/recorder.ts'

/** What befalls a write, and whether the system has carried it out all the same. */
const fates = [
  { name: 'nothing', fault: null, executed: true },
  { name: 'a reset before its body', fault: { kind: 'reset', at: 'request' }, executed: false },
  { name: 'a reset before the answer', fault: { kind: 'reset', at: 'before-headers' }, executed: true },
  { name: 'a reset within the answer', fault: { kind: 'reset', at: 'after-headers' }, executed: true },
  { name: 'half of an answer', fault: { kind: 'half' }, executed: true },
  { name: 'a status instead', fault: { kind: 'status', status: 503 }, executed: false },
  { name: 'a fault instead', fault: { kind: 'fault', faultcode: 'Server.Soak.rule' }, executed: false },
  { name: 'garbage instead', fault: { kind: 'garbage' }, executed: false },
  { name: 'no answer', fault: { kind: 'hang' }, executed: false },
  { name: 'more headers', fault: { kind: 'headers', headers: [['X-More', '1']] }, executed: true }
] as const

for (const { name, fault, executed } of fates) {
  test(`arrivals: a write that meets ${name} was ${executed ? '' : 'not '}carried out`, async (t) => {
    const system = await startSimulator({ release: 'MR100', role: 'source', customers: 20 })
    t.after(() => system.close())
    const { login, password } = system.users.firstActiveCustomer()
    const post = (
      path: string,
      body: object,
      headers: Record<string, string> = {},
      signal: AbortSignal | null = null
    ) =>
      fetch(`${system.urls.customer}/rest/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal
      })
    const opened = await (await post('Session/login', { params: { login, password } })).json()
    if (fault !== null) system.faults.add({ match: { method: 'update_customer' }, fault: fault as never })
    const over = system.journal.next((entry) => entry.method === 'update_customer' && isOver(entry))
    const headers = { authorization: `Bearer ${(opened as { access_token: string }).access_token}`, 'x-soak-id': '12' }
    const gone = new AbortController()
    if (fault?.kind === 'hang') {
      system.journal.next(({ bodyBytes }) => bodyBytes > 0).then(() => gone.abort())
    }
    await post('Customer/update_customer', { params: { customer_info: { note: 'x' } } }, headers, gone.signal).then(
      (answer) => answer.arrayBuffer().catch(() => {}),
      () => {}
    )
    const arrival = arrivalOf('source', await over)
    assert.equal(arrival?.id, 12)
    assert.equal(arrival?.executed, executed)
  })
}

test('arrivals: a write that the system refuses was not carried out', async (t) => {
  const [source, target] = await Promise.all([
    startSimulator({ release: 'MR100', role: 'source', customers: 20 }),
    startSimulator({ release: 'MR115', role: 'target', customers: 20 })
  ])
  t.after(() => Promise.all([source.close(), target.close()]))
  const admin = source.users.admin()
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${source.urls.admin}/rest/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ params: body })
    })
  const opened = (await (await post('Session/login', admin)).json()) as { access_token: string }
  const { i_customer } = source.users.firstActiveCustomer()
  await moveCustomer(i_customer, source, target)
  const over = source.journal.next((entry) => entry.method === 'update_customer' && isOver(entry))
  const headers = { authorization: `Bearer ${opened.access_token}`, 'x-soak-id': '3' }
  await (await post('Customer/update_customer', { customer_info: { i_customer, note: 'x' } }, headers)).arrayBuffer()
  const arrival = arrivalOf('source', await over)
  assert.deepEqual([arrival?.executed, arrival?.faultcode], [false, 'Server.Customer.exported'])
})

const rows = (...ids: number[]) => ids.map((id) => ({ i_customer: id, bill_status: 'O' }))
const wanted = { offset: 1, limit: 3, customers: 100, moving: new Set<number>() }
const pages = [
  { name: 'right', rows: rows(2, 3, 4), says: null },
  { name: 'with a customer twice', rows: rows(2, 3, 3), says: /i_customer 3 twice/ },
  { name: 'without a customer', rows: rows(2, 4, 5), says: /customer 3 is missing/ },
  { name: 'cut short', rows: rows(2, 3), says: /customer 4 is missing/ },
  { name: 'out of order', rows: rows(3, 2, 4), says: /customer 2 out of order/ },
  { name: 'with an exported row', rows: [...rows(2, 3), { i_customer: 4, bill_status: 'E' }], says: /customer 4 as/ }
]

for (const { name, rows: page, says } of pages) {
  test(`pages: a page ${name} is ${says === null ? 'right' : 'a mistake'}`, () => {
    const mistake = pageMistake(page, wanted)
    if (says === null) assert.equal(mistake, null)
    else assert.match(mistake ?? '', says)
  })
}

test('pages: who moves meanwhile excuses offsets and its own rows, and nobody else', () => {
  const moving = new Set([3])
  assert.equal(pageMistake(rows(2, 3, 3), { ...wanted, moving }), null)
  assert.equal(pageMistake(rows(4, 5, 6), { ...wanted, moving }), null)
  assert.match(pageMistake(rows(2, 2, 4), { ...wanted, moving }) ?? '', /2 twice/)
  assert.match(rowMistake([{ i_account: 5 }, { i_account: 5 }], 'i_account', moving) ?? '', /i_account 5 twice/)
})

const sample = (group: Sample['group'], ms: number, kind = 'success', isLate = false): Sample => ({
  group,
  kind,
  ms,
  second: 0,
  isLate
})
const window = (name: string, samples: Sample[]): Window => ({ name, openedAt: 0, samples, cpuShare: 0 })

test('figures: a slower target and wrong answers of a dead source show', () => {
  const calm = window('calm', [sample('target', 4), sample('source', 9)])
  const dead = window('dead', [
    sample('target', 8),
    sample('source', 3, '503 system_unavailable'),
    sample('source', 60, '504 system_timeout'),
    sample('source', 1, 'success', true)
  ])
  const figures = figuresOf({ calm, pairs: [{ calm, dead, returnMs: 1200 }] })
  assert.deepEqual([figures.aliveP99, figures.deadP99], [4, 8])
  assert.deepEqual(figures.ratios, [2])
  assert.deepEqual(figures.sourceOthers, ['1 504 system_timeout'])
  assert.equal(figures.sourceFaultMax, 60)
})

const kinds = [
  [{ ending: 'answered', status: 204 }, null, 'success'],
  [{ ending: 'answered', status: 503 }, 'Server.Dispatcher.system_unavailable', '503 system_unavailable'],
  [{ ending: 'answered', status: 503 }, null, '503 without a fault code'],
  [{ ending: 'answered', status: 500 }, 'Server.Session.check_auth.auth_failed', 'session fault of a system'],
  [{ ending: 'answered', status: 500 }, 'Server.Customer.exported', 'other fault of a system'],
  [{ ending: 'cut off', status: 200 }, null, 'cut off']
] as const

for (const [incoming, faultcode, kind] of kinds) {
  test(`recorder: ${incoming.ending} ${incoming.status} ${faultcode ?? ''} is "${kind}"`, () => {
    assert.equal(kindOf(incoming, faultcode), kind)
  })
}

test('dice: a seed and a purpose give the same throws again', () => {
  const throws = (seed: number, purpose: string) => {
    const dice = createDice(seed, purpose)
    return Array.from({ length: 20 }, () => dice.next())
  }
  assert.deepEqual(throws(5, 'load'), throws(5, 'load'))
  assert.notDeepEqual(throws(5, 'load'), throws(6, 'load'))
  assert.notDeepEqual(throws(5, 'load'), throws(5, 'faults'))
})

test('faults: each kind comes, and the same plan comes again', () => {
  const planned = () => {
    const next = createFaultPlan(createDice(3, 'faults'))
    return Array.from({ length: 30 }, next)
  }
  assert.deepEqual(planned(), planned())
  assert.deepEqual(new Set(planned().map(({ kind }) => kind)), new Set(faultKinds))
})

test('options: flags are checked, and all phases have their time', () => {
  assert.equal(parseOptions(['--help']), null)
  assert.equal(parseOptions(['--seed', '9'])?.seed, 9)
  assert.throws(() => parseOptions(['--seconds', '1']), new RegExp(`--seconds: "1" .* from ${fewestSeconds} up`))
  assert.throws(() => parseOptions(['--rate', 'x']), /--rate: "x"/)
  const { pairs, windowMs, calmMs, faultsMs, isLong } = timetableOf({ seconds: 300 })
  assert.ok(isLong && pairs === 10 && windowMs === 5000, 'ten pairs of five seconds')
  assert.ok(faultsMs > pairs * 2 * windowMs && faultsMs > calmMs, 'the faults have the most time')
})

/**
 * The console as operators have it: the demonstration under load, in a real browser.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { startDemonstration } from '../../gateway/demo.ts'
import { openBrowser } from '../browser.ts'
import { until } from '../until.ts'
import { violationsIn } from './axe.ts'
import { startLoad } from './load.ts'

/** The colour around the source's card. */
const edgeOf = (page: Page) =>
  page.evaluate<string>("getComputedStyle(document.querySelector('article.source')).borderTopColor")

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

/** Numbers that have been seen to move, or to have come at all where little happens. */
async function isMoving(place: Locator) {
  const before = await place.innerText()
  await until(async () => (await place.innerText()) !== before)
}

/** Above zero in a table's row, whichever column it is. */
const isCounted = (place: Locator, row: RegExp) =>
  place.getByRole('row', { name: row }).filter({ hasText: /[1-9]/ }).first().waitFor()

test('a migration night on one page', async (t) => {
  const browser = await openBrowser(t)
  if (browser === null) return
  const { page, requests, complaints } = browser
  const demonstration = await startDemonstration({ ...process.env, WEBDISPATCHER_DEMO_PORT: '0' })
  t.after(() => demonstration.stop())
  const { gateway, source, target } = demonstration
  const load = await startLoad(demonstration)
  t.after(() => load.stop())
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${gateway.opsUrl}/console`)
  await page.getByText('live', { exact: true }).waitFor()
  const card = page.locator('article.source')
  const isUp = () => card.locator('.state').getByText('up', { exact: true }).waitFor()
  const isAt = (path: string) => panel(page, path)

  await t.test('every panel shows numbers, and they move', async () => {
    for (const name of ['source', 'target']) await isMoving(page.locator(`article.${name} .metrics`))
    const traffic = isAt('Traffic, last hour')
    await isMoving(traffic.locator('figcaption').first())
    for (const row of [/^source/, /^target/, /^both/]) await isCounted(traffic, row)
    for (const row of [/^succeeded/, /^forwarded/, /^refused/, /^merged/]) await isCounted(traffic, row)
    await isAt('Migration')
      .getByText(/As far as seen/)
      .waitFor()
    await isCounted(isAt('Methods that a release does not have'), /SIMCard\/get_sim_card_info/)
  })

  await t.test('a fence that is set from the page stops a write, and its end lets it pass', async () => {
    assert.equal((await load.write()).status, 200)
    await page.getByLabel('Customers').fill(String(load.customer))
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByText(/the export may begin/).waitFor()
    const refused = await load.write()
    assert.equal(refused.status, 503, refused.text)
    assert.match(refused.text, /migration_in_progress/)
    await page.getByRole('rowheader', { name: String(load.customer) }).waitFor()
    await isCounted(isAt('Faults'), /Customer\/update_customer.*migration_in_progress/)
    await page.getByRole('button', { name: 'Failed', exact: true }).click()
    await page.getByText(/Told as failed for 1\scustomer/).waitFor()
    assert.equal((await load.write()).status, 200)
    await isAt('Migration').getByText(`customer ${load.customer} failed`).waitFor()
  })

  await t.test('"where" tells the place of a customer whose move was told', async () => {
    await isAt('Where is …').getByLabel('Number').fill(String(load.customer))
    await page.keyboard.press('Enter')
    await page.getByText(`Customer ${load.customer} is on the source.`).waitFor()
  })

  await t.test('"why" explains a pasted curl line, and nothing is sent', async () => {
    const mark = 'pasted-and-never-sent'
    const url = `${gateway.addresses[0]?.url}/rest/Customer/get_customer_info`
    await page
      .getByLabel(/^A request/)
      .fill(`curl -s '${url}' -b 'pb_dispatch=authorized-by-remote; mark=${mark}' -d '{"params":{}}'`)
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('The browser’s routing cookie says so. Nothing was sent.').waitFor()
    const sent = [source, target].flatMap(({ journal }) => journal.of('Customer/get_customer_info'))
    assert.ok(sent.length > 0 && !sent.some(({ rawHeaders }) => rawHeaders.join().includes(mark)))
  })

  await t.test('a system that is stopped is red within three seconds, and green again by itself', async () => {
    await isUp()
    const green = await edgeOf(page)
    const stoppedAt = performance.now()
    await source.stop()
    await card.locator('.state').getByText('down', { exact: true }).waitFor()
    const after = performance.now() - stoppedAt
    assert.ok(after < 3000, `red after ${after} ms`)
    assert.notEqual(await edgeOf(page), green)
    await isCounted(isAt('Faults'), /system_unavailable/)
    await source.start()
    await isUp()
    assert.equal(await edgeOf(page), green)
  })

  await t.test('nobody is kept from reading it', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      assert.deepEqual(await violationsIn(page), [], colorScheme)
    }
    await page.setViewportSize({ width: 360, height: 760 })
    assert.deepEqual(await violationsIn(page), [], 'phone')
  })

  assert.deepEqual(complaints, [])
  assert.deepEqual(
    requests.filter((url) => new URL(url).origin !== gateway.opsUrl),
    []
  )
})

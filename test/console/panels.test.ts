/**
 * The console's page in a real browser, with a made-up gateway behind it: states that are rare, and everybody's way to read
 * and to use it.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { openBrowser, type Watched } from '../browser.ts'
import { violationsIn } from './axe.ts'
import { type FeedOptions, startFeed } from './feed.ts'

const phone = { width: 360, height: 760 }
const desk = { width: 1440, height: 900 }

/** The page before a feed of its own; what it complains of is a failure, except for what a test expects. */
async function openConsole(t: TestContext, { page }: Watched, options: FeedOptions = {}) {
  const feed = await startFeed(t, options)
  await page.goto(`${feed.url}/console`)
  await page.getByText('live', { exact: true }).waitFor()
  return feed
}

/** The colour around the source's card. */
const edgeOf = (page: Page) =>
  page.evaluate<string>("getComputedStyle(document.querySelector('article.source')).borderTopColor")

const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
const textOf = async (page: Page, selector: string) => (await page.locator(selector).first().textContent()) ?? ''

async function isReadable(page: Page, what: string) {
  assert.deepEqual(await violationsIn(page), [], what)
  const [whole, seen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [number, number]
  assert.ok(whole <= seen, `${what} is ${whole - seen} px too wide`)
}

/** Each of the page's own elements that Tab reaches, by its name. */
async function reachedByTab(page: Page): Promise<Set<string>> {
  const here = `(() => {
    const { activeElement: at } = document
    const style = getComputedStyle(at)
    const isSeen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    at.dataset.reached = isSeen ? 'yes' : 'unseen'
    return at === document.body
  })()`
  await page.evaluate('document.activeElement.blur()')
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(here)) break
  }
  const missed = `[...document.querySelectorAll('a, button, input, select, textarea, summary')]
    .filter((one) => one.checkVisibility() && one.dataset.reached !== 'yes')
    .map((one) => one.outerHTML)`
  return new Set((await page.evaluate(missed)) as string[])
}

/** How the page is looked at, one after the other; a feed is opened where it is told whether there is anything in it. */
const looks = [
  [false, 'light', desk],
  [undefined, 'dark', desk],
  [undefined, 'light', phone],
  [true, 'dark', phone],
  [undefined, 'light', desk]
] as const

const ways: readonly (readonly [what: string, look: (t: TestContext, watched: Watched) => Promise<void>])[] = [
  [
    'it is readable in light, in dark and on a phone, with and without anything to show',
    async (t, watched) => {
      const { page } = watched
      for (const [isEmpty, colorScheme, size] of looks) {
        if (isEmpty !== undefined) await openConsole(t, watched, { isEmpty })
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        await page.setViewportSize(size)
        await isReadable(page, `${colorScheme}, ${size.width} px`)
      }
      for (const hint of [
        /plugins\.console\.account is not set/,
        /No login yet/,
        /No word of a move yet/,
        /No fault yet/,
        /Nobody is held back/
      ]) {
        await page.getByText(hint).waitFor()
      }
      await page.setViewportSize({ width: 320, height: 600 })
      await isReadable(page, 'a very small phone')
    }
  ],
  [
    'every control is reached by the keyboard, in sight',
    async (t, watched) => {
      const { page } = watched
      await openConsole(t, watched, { csrf: 'token' })
      await page.setViewportSize(desk)
      assert.deepEqual(await reachedByTab(page), new Set())
      await page.keyboard.press('Tab')
      assert.equal(await textOf(page, ':focus'), 'Skip to the systems')
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate('document.activeElement.id'), 'main')
    }
  ],
  [
    'a system that goes down is told by word, colour, title and alert, and so is its return',
    async (t, watched) => {
      const { page } = watched
      const feed = await openConsole(t, watched)
      const card = page.locator('article.source')
      await card.getByText('up', { exact: true }).first().waitFor()
      const before = await edgeOf(page)
      Object.assign(feed.told.systems.source, { state: 'down', breaker: 'open' })
      await card.getByText('down', { exact: true }).waitFor()
      await card.getByText('breaker open', { exact: true }).first().waitFor()
      assert.notEqual(await edgeOf(page), before)
      assert.match(await page.title(), /^\(source down\)/)
      assert.equal(await page.getByRole('alert').textContent(), 'The source MR100 is down.')
      await isReadable(page, 'with a system down')
      Object.assign(feed.told.systems.source, { state: 'up', breaker: 'closed' })
      await card.getByText('up', { exact: true }).first().waitFor()
      await page.getByText('The source MR100 is up again.').waitFor({ state: 'attached' })
      assert.equal(await page.title(), 'WebDispatcher console')
    }
  ],
  [
    'silence and a lost connection are told, with the time of what is shown; the page comes back by itself',
    async (t, watched) => {
      const { page } = watched
      const feed = await openConsole(t, watched)
      feed.control.isSilent = true
      await page
        .getByText(/has not said anything for more than 3 seconds. What is shown is of \d\d:\d\d:\d\d\./)
        .waitFor()
      feed.control.isSilent = false
      await page.getByText('live', { exact: true }).waitFor()
      feed.cut()
      await page.getByText(/The connection to the gateway is lost\. What is shown is of/).waitFor()
      await page.getByText('live', { exact: true }).waitFor()
      assert.equal(feed.clients(), 1)
      feed.control.status = 401
      feed.cut()
      await page
        .getByText(/The session has ended\..*sign in again/)
        .first()
        .waitFor()
      feed.control.status = 200
      await page.getByText('live', { exact: true }).waitFor()
    }
  ],
  [
    'a move is told with the session’s token: one at once, many once it is confirmed, what is no number never',
    async (t, watched) => {
      const { page } = watched
      const feed = await openConsole(t, watched, { csrf: 'a"<b' })
      const customers = page.getByLabel('Customers')
      const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
      const lastBody = () => feed.posted.at(-1)?.body
      await customers.fill('8001')
      await press('Start')
      await page.getByText('Started for 1 customer.').waitFor()
      assert.deepEqual(lastBody(), { i_customer: 8001, state: 'started', to: 'target' })
      assert.equal((feed.posted.at(-1)?.headers as Record<string, string> | undefined)?.['x-csrf-token'], 'a"<b')
      await page.getByRole('rowheader', { name: '8001' }).waitFor()
      await customers.fill('8001, 8002\n8002')
      await press('Finish')
      const dialog = page.getByRole('dialog')
      await dialog.waitFor()
      await isReadable(page, 'with a question')
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'hidden' })
      assert.equal(feed.posted.length, 1, 'nothing was told')
      await press('Finish')
      await dialog.getByRole('button', { name: 'Finish 2' }).click()
      await page.getByText(/Finished for 2\scustomers/).waitFor()
      assert.deepEqual(
        lastBody(),
        [8001, 8002].map((id) => ({ i_customer: id, state: 'finished', to: 'target' }))
      )
      await customers.fill('8001-8005')
      await press('Failed')
      await page
        .getByText(/1\sentry cannot be a customer’s number/)
        .first()
        .waitFor()
      assert.equal(feed.posted.length, 2)
    }
  ],
  [
    'a pasted request is explained and then nowhere: not in the box, not in the page',
    async (t, watched) => {
      const { page } = watched
      const feed = await openConsole(t, watched)
      const box = page.getByLabel(/^A request/)
      const why = panel(page, 'Why …')
      await box.fill(
        `curl -s 'http://www.customer.test/rest/Customer/get_customer_info?s3cret=s3cret' -b session_id=s3cret -d s3cret -o s3cret`
      )
      await why.getByRole('button', { name: 'Explain' }).click()
      await why.getByText('The gateway remembers this session. Nothing was sent.').waitFor()
      assert.match(String((feed.posted.at(-1)?.body as { body: string } | undefined)?.body), /s3cret/)
      assert.equal(await box.inputValue(), '')
      assert.doesNotMatch(await page.content(), /s3cret/)
      await isReadable(page, 'with an explanation')
      await box.fill('curl http://nowhere.test/')
      await why.getByRole('button', { name: 'Explain' }).click()
      await why.getByText('No realm answers to this host (Client.Dispatcher.unknown_realm)').waitFor()
      assert.equal(await box.inputValue(), 'curl http://nowhere.test/', 'to be corrected')
      await box.fill("curl 'http")
      await why.getByRole('button', { name: 'Explain' }).click()
      await why.getByText(/never closed/).waitFor()
    }
  ],
  [
    '"where" tells the place, how it is known, and what to do where it is not',
    async (t, watched) => {
      const { page } = watched
      await openConsole(t, watched)
      const where = panel(page, 'Where is …')
      const look = async (number: string) => {
        await where.getByLabel('Number').fill(number)
        await page.keyboard.press('Enter')
      }
      await look('7')
      await where.getByText('Customer 7 is on the target.').waitFor()
      await where.getByText('from the last word about its move').waitFor()
      await look('31460')
      await where.getByText(/to the target since .*writes are held back/).waitFor()
      await look('99999')
      await where.getByText(/check the number/).waitFor()
      await look('x')
      await where.getByText(/has digits alone/).waitFor()
    }
  ],
  [
    'faults are filtered by system, and their request ids copied',
    async (t, watched) => {
      const { page } = watched
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      const feed = await openConsole(t, watched)
      const faults = panel(page, 'Faults')
      await faults.getByRole('button', { name: 'target' }).click()
      const rows = faults.getByRole('row')
      await page.waitForFunction("!document.querySelector('#faults tbody').textContent.includes('source')")
      assert.equal(await rows.count(), 11)
      await faults.getByRole('button', { name: /^Show all/ }).click()
      const expected = (feed.told.faults as { system: string; id: string }[]).filter(
        ({ system }) => system === 'target'
      )
      await page.waitForFunction(`document.querySelectorAll('#faults tbody tr').length === ${expected.length}`)
      await faults
        .getByRole('button', { name: /^Copy the request id/ })
        .first()
        .click()
      await faults.getByText('copied').waitFor()
      assert.equal(await page.evaluate('navigator.clipboard.readText()'), expected[0]?.id)
    }
  ],
  [
    'charts follow what is split, and the scheme',
    async (t, watched) => {
      const { page } = watched
      await openConsole(t, watched)
      const chart = page.getByRole('figure', { name: 'Calls per second' })
      assert.equal(await chart.getByRole('rowheader').count(), 4)
      await chart.getByRole('button', { name: 'Realm' }).click()
      await chart.getByRole('rowheader', { name: 'representative' }).waitFor()
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.emulateMedia({ colorScheme: 'light' })
      assert.equal(await page.locator('.canvas .uplot').count(), 3, 'one drawing each, however often it was made anew')
      await chart.getByRole('button', { name: 'API family' }).click()
      await chart.getByRole('rowheader', { name: 'Call control' }).waitFor()
    }
  ],
  [
    'what a gateway tells stays text',
    async (t, watched) => {
      const { page } = watched
      const feed = await openConsole(t, watched)
      const evil = '<img src=x onerror=document.title="evil">'
      const told = feed.told
      Object.assign(told.about, { host: evil, version: evil })
      feed.tell('about', told.about)
      feed.tell('faults', [
        { at: Date.now(), id: evil, realm: evil, call: evil, system: evil, reason: evil, fault: evil, status: 500 }
      ])
      feed.tell('missing', [{ call: evil, system: 'source', release: evil, count: 1, at: Date.now() }])
      feed.tell('feed', [{ at: Date.now(), iCustomer: 1, count: 1, state: evil, to: evil, by: evil }])
      await panel(page, 'Faults').getByRole('rowheader', { name: evil }).waitFor()
      assert.equal(await page.locator('img:not([src="/console/icon.svg"])').count(), 0)
      assert.notEqual(await page.title(), 'evil')
    }
  ]
]

test('the console, in a browser', async (t) => {
  const watched = await openBrowser(t)
  if (watched === null) return
  for (const [what, look] of ways) {
    await t.test(what, async (t) => {
      await watched.page.setViewportSize(desk)
      await look(t, watched)
    })
  }
  await watched.page.goto('about:blank')
  // A connection that ends, an answer that refuses: the browser itself reports these.
  const own = watched.complaints.filter((line) => !/^error: Failed to load resource/.test(line))
  assert.deepEqual(own, [])
  assert.deepEqual(
    watched.requests.filter((url) => !url.startsWith('http://127.0.0.1:') && url !== 'about:blank'),
    []
  )
})

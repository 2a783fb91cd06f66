/** Contract sections 3, 4 and 7 as a browser sees them: self-care portals, with the simulator's pages. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { sharedBrowser } from '../browser.ts'
import { startWorld, type World } from '../build.ts'
import { ask, type User } from '../client.ts'
import { createCertificate } from '../gateway/certificate.ts'
import { until } from '../until.ts'

const host = 'www.customer.billing.test'
const versioned = { source: 'www.100-customer.billing.test', target: 'www.115-customer.billing.test' } as const
const certificate = createCertificate()
const artifacts = join(import.meta.dirname, '../../artifacts')

const modes = [
  { scheme: 'http', listen: () => ({}) },
  { scheme: 'https', listen: () => ({ tls: certificate }) }
] as const

/** The one port that the browser is told for all hosts: behind it is the gateway of the test that runs. */
let gatewayPort = 0
const doorway = net.createServer((socket) => {
  const inside = net.connect(gatewayPort, '127.0.0.1')
  for (const [one, other] of [
    [socket, inside],
    [inside, socket]
  ] as const) {
    one.pipe(other)
    one.on('error', () => other.destroy()).on('close', () => other.destroy())
  }
})
const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port
before(async () => {
  doorway.listen(0, '127.0.0.1')
  await once(doorway, 'listening')
})
after(() => doorway.close())

const openBrowser = sharedBrowser()

/** A gateway with the portal's hosts, and a browser that knows them. */
async function startPortal(t: TestContext, { scheme, listen }: (typeof modes)[number], keys: object = {}) {
  const world = await startWorld(t, {
    listen: [{ host: '127.0.0.1', port: 0, ...listen() }],
    realms: { customer: { hosts: [host] } },
    ...keys
  })
  gatewayPort = Number(new URL(world.url).port)
  const names = [host, ...Object.values(versioned), 'www.old.billing.test']
  const browser = await openBrowser(t, Object.fromEntries(names.map((name) => [name, portOf(doorway)])))
  return browser === null ? null : { ...world, ...browser, origin: `${scheme}://${host}` }
}

type Portal = NonNullable<Awaited<ReturnType<typeof startPortal>>>

const release = (page: Page) => page.locator('footer').textContent()
const cookiesOf = async (page: Page) =>
  Object.fromEntries((await page.context().cookies()).map((one) => [one.name, one]))

async function show(page: Page, name: string) {
  mkdirSync(artifacts, { recursive: true })
  await page.screenshot({ path: join(artifacts, `${name}.png`) })
}

async function isAt(page: Page, title: string, whose: string) {
  await page.getByRole('heading', { name: title }).waitFor()
  assert.match(String(await release(page)), new RegExp(`^Release ${whose}, customer portal$`), title)
}

async function logIn(page: Page, { login, password }: User) {
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

const follow = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click()
const rows = (page: Page) => page.locator('table[data-filled] tbody tr')

/** The first invoice as the page's button brings it, and as the system itself gives it. */
async function downloadInvoice(page: Page, system: World['source']) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'PDF' }).first().click()
  ])
  const saved = readFileSync(await download.path())
  const entry = system.journal.of('Invoice/get_invoice_info').at(-1)
  const { session_id: session } = await cookiesOf(page)
  const direct = await ask(system.urls.customer, {
    path: '/rest/Invoice/get_invoice_info',
    headers: { cookie: `session_id=${session?.value}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: String(entry?.body)
  })
  return { name: download.suggestedFilename(), saved, direct: direct.body }
}

/** Three pages, a file and a write, all at one system. */
async function lookAround(page: Page, system: World['source']) {
  const { release: whose } = system
  await isAt(page, 'Dashboard', whose)
  await follow(page, 'Invoices')
  await isAt(page, 'Invoices', whose)
  await rows(page).first().waitFor()
  assert.equal(await rows(page).count(), 3)
  await show(page, `portal-${new URL(page.url()).protocol.slice(0, -1)}-${whose}`)
  const { name, saved, direct } = await downloadInvoice(page, system)
  assert.match(name, /^invoice-\d+\.pdf$/)
  assert.equal(saved.subarray(0, 5).toString(), '%PDF-')
  assert.ok(saved.equals(direct) && saved.includes(whose))
  await follow(page, 'Calls')
  await isAt(page, 'Calls', whose)
  await rows(page).first().waitFor()
  await follow(page, 'Profile')
  await isAt(page, 'Profile', whose)
  await page.getByLabel('E-mail').fill(`seen-by-${whose}@customers.example`)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Saved.').waitFor()
  await page.reload()
  assert.equal(await page.getByLabel('E-mail').inputValue(), `seen-by-${whose}@customers.example`)
}

/** Nothing was asked of another host, and nothing was complained of. */
function isClean({ requests, complaints, origin }: Portal) {
  assert.ok(requests.length > 20)
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(`${origin}/`)),
    []
  )
  assert.deepEqual(complaints, [])
}

for (const mode of modes) {
  test(`${mode.scheme}: one browser, a source customer, a target customer, and the source's again while the target is down`, async (t) => {
    const portal = await startPortal(t, mode)
    if (portal === null) return
    const { page, source, target, origin } = portal
    await page.goto(`${origin}/`)
    await isAt(page, 'Login', 'MR115')
    assert.equal(page.url(), `${origin}/login`)

    await logIn(page, source.users.firstActiveCustomer())
    await lookAround(page, source)
    const held = await cookiesOf(page)
    assert.deepEqual(Object.keys(held).toSorted(), ['access_token', 'pb_dispatch', 'session_id'])
    for (const one of Object.values(held)) {
      assert.deepEqual([one.domain, one.httpOnly, one.secure], [host, true, mode.scheme === 'https'], one.name)
    }
    await follow(page, 'Log out')
    await isAt(page, 'Login', 'MR115')
    assert.deepEqual(await cookiesOf(page), {})

    await logIn(page, target.users.firstActiveCustomer())
    await lookAround(page, target)
    assert.deepEqual(Object.keys(await cookiesOf(page)).toSorted(), ['access_token', 'session_id'])
    await follow(page, 'Log out')
    await isAt(page, 'Login', 'MR115')

    await target.stop()
    await page.goto(`${origin}/`)
    await isAt(page, 'Login', 'MR100')
    await logIn(page, source.users.firstActiveCustomer())
    await lookAround(page, source)
    isClean(portal)
    for (const { journal } of [source, target])
      assert.equal(
        journal.count(({ status }) => status === 403),
        0
      )
  })
}

test('a second tab that logs in as another takes the first one along; Back after a logout shows nothing of a session', async (t) => {
  const portal = await startPortal(t, modes[0])
  if (portal === null) return
  const { page, source, target, origin } = portal
  await page.goto(`${origin}/login`)
  await logIn(page, source.users.firstActiveCustomer())
  await isAt(page, 'Dashboard', 'MR100')

  const other = await page.context().newPage()
  await other.goto(`${origin}/login`)
  await isAt(other, 'Login', 'MR100')
  await logIn(other, target.users.firstActiveCustomer())
  await isAt(other, 'Dashboard', 'MR115')
  await follow(page, 'Profile')
  await isAt(page, 'Profile', 'MR115')

  await follow(page, 'Log out')
  await isAt(page, 'Login', 'MR115')
  await page.goBack()
  await isAt(page, 'Login', 'MR115')
  await other.reload()
  await isAt(other, 'Login', 'MR115')
})

/** What a page's script gets by a call about whoever is logged in. */
const callFrom = async (page: Page) => {
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"params":{}}' }
  const text = await page.evaluate<string>(
    `fetch('/rest/Customer/get_customer_info', ${JSON.stringify(options)}).then((reply) => reply.text())`
  )
  return JSON.parse(text) as { customer_info?: { i_customer: number }; faultcode?: string }
}

async function save(page: Page, email: string, said: string | RegExp) {
  await page.getByLabel('E-mail').fill(email)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(said).waitFor()
}

test('a customer who is moved while logged in finds the login of the target, and is there after it, in each tab', async (t) => {
  const portal = await startPortal(t, modes[0])
  if (portal === null) return
  const { page, source, target, origin, opsUrl, requests } = portal
  const user = source.users.firstActiveCustomer()
  const enter = async (tab: Page) => {
    await tab.goto(`${origin}/login`)
    await logIn(tab, user)
    await isAt(tab, 'Dashboard', 'MR100')
  }
  await enter(page)
  const second = await page.context().newPage()
  await second.goto(`${origin}/profile`)
  await isAt(second, 'Profile', 'MR100')
  const elsewhere = await page.context().browser()?.newContext()
  t.after(() => elsewhere?.close())
  const phone = await elsewhere?.newPage()
  assert.ok(phone)
  await enter(phone)
  const iCustomer = (await callFrom(page)).customer_info?.i_customer ?? 0
  const tell = async (state: string) => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ i_customer: iCustomer, state, to: 'target' })
    assert.equal((await ask(opsUrl, { path: '/migrations', headers, body })).status, 200)
  }

  await tell('started')
  await follow(page, 'Invoices')
  await isAt(page, 'Invoices', 'MR100')
  await rows(page).first().waitFor()
  await save(second, 'in-between@customers.example', /being moved/)
  target.importCustomer(source.exportCustomer(iCustomer))
  await tell('finished')
  source.journal.clear()

  const asked = requests.length
  await follow(page, 'Calls')
  await isAt(page, 'Login', 'MR115')
  assert.equal(page.url(), `${origin}/login`)
  assert.ok(requests.length - asked <= 6, `it goes round: ${requests.slice(asked).join(' ')}`)
  assert.equal((await cookiesOf(page)).pb_dispatch, undefined)
  await page.goBack()
  await isAt(page, 'Login', 'MR115')

  assert.equal((await cookiesOf(phone)).pb_dispatch?.value, 'authorized-by-remote')
  assert.equal((await callFrom(phone)).faultcode, 'Server.Session.check_auth.auth_failed')
  assert.equal((await cookiesOf(phone)).pb_dispatch, undefined)
  assert.match(String((await callFrom(phone)).faultcode), /\.Session\.check_auth\./, "the target's own words")
  await phone.reload()
  await isAt(phone, 'Login', 'MR115')

  await logIn(page, user)
  await isAt(page, 'Dashboard', 'MR115')
  // What the source gave still stands there; what is made of it is the target's.
  assert.match(String(await release(second)), /MR100/)
  await save(second, 'there@customers.example', 'Saved.')
  await second.reload()
  await isAt(second, 'Profile', 'MR115')
  assert.equal(await second.getByLabel('E-mail').inputValue(), 'there@customers.example')
  const urls = source.journal.entries.map(({ url }) => url)
  assert.deepEqual(
    urls.filter((url) => !/^\/rest\/(?:Session\/ping|Customer\/get_customer_info)$/.test(url)),
    [],
    'no page, no login, no write'
  )
})

test("a versioned host shows its own system's pages, and a session there stays on it", async (t) => {
  const portal = await startPortal(t, modes[1])
  if (portal === null) return
  const { page, source, complaints } = portal
  await page.goto(`https://${versioned.source}/`)
  assert.equal(page.url(), `https://${versioned.source}/login`)
  await isAt(page, 'Login', 'MR100')
  await logIn(page, source.users.firstActiveCustomer())
  await lookAround(page, source)
  assert.deepEqual(Object.keys(await cookiesOf(page)).toSorted(), ['access_token', 'session_id'])
  await page.goto(`https://${versioned.target}/dashboard`)
  await isAt(page, 'Login', 'MR115')
  assert.deepEqual(complaints, [])
})

test('a host that is given up leads to the new one, path and query kept', async (t) => {
  const redirects = [{ host: 'www.old.billing.test', to: `http://${host}` }]
  const portal = await startPortal(t, modes[0], {
    realms: { customer: { hosts: [host, 'www.old.billing.test'] } },
    plugins: { 'web-portal': { redirects } }
  })
  if (portal === null) return
  const { page, origin } = portal
  await page.goto('http://www.old.billing.test/login?from=%2Fa%20b&x=1')
  assert.equal(page.url(), `${origin}/login?from=%2Fa%20b&x=1`)
  await isAt(page, 'Login', 'MR115')
})

const looks = [
  { name: 'light', colorScheme: 'light', width: 1000 },
  { name: 'dark', colorScheme: 'dark', width: 1000 },
  { name: 'phone', colorScheme: 'light', width: 360 }
] as const

test('a customer whose system is down gets a page that can be read, and is back by its link', async (t) => {
  const portal = await startPortal(t, modes[1])
  if (portal === null) return
  const { page, target, origin, complaints, lines } = portal
  await page.goto(`${origin}/login`)
  await logIn(page, target.users.firstActiveCustomer())
  await isAt(page, 'Dashboard', 'MR115')
  await target.stop()
  const answer = await page.goto(`${origin}/invoices`)
  assert.equal(answer?.status(), 503)
  await page.getByRole('heading', { name: 'We are not available right now' }).waitFor()
  const told = (await page.locator('small').textContent()) ?? ''
  // Of its requests that failed, one of the page before may have been first.
  const isOfPage = ({ msg, fault, reqId }: (typeof lines)[number]) =>
    msg === 'request' && fault !== undefined && told.includes(String(reqId))
  await until(() => lines.some(isOfPage))
  const again = page.getByRole('link', { name: 'Try again' })
  await again.waitFor({ state: 'attached' })
  for (const { name, colorScheme, width } of looks) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 700 })
    await show(page, `fault-${name}`)
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
    assert.ok(overflow <= 0, `${name} is ${overflow} too wide`)
  }
  // The status of the page itself, which the browser reports; nothing of the page's own.
  assert.deepEqual(
    complaints.filter(
      (line) => !/^error: Failed to load resource: the server responded with a status of 503/.test(line)
    ),
    []
  )
  await target.start()
  await again.click()
  await isAt(page, 'Invoices', 'MR115')
})

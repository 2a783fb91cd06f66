/** Contract section 8 as a browser sees it: signing in, and pages of strangers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { openBrowser } from '../browser.ts'
import { startOps, token } from '../ops.ts'

const own = 'http://ops.test'

/** What a page gets by asking: a status and a text, or the name of an error. */
const askFrom = (page: Page, url: string, options: object = {}) =>
  page.evaluate<string>(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(options)})
      .then(async (reply) => reply.type === 'opaque' ? 'opaque' : reply.status + ' ' + (await reply.text()).slice(0, 300))
      .catch((error) => error.name)`
  )

async function signIn(page: Page, shown: string) {
  await page.getByLabel('Ops token').fill(shown)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const isInConsole = (page: Page) => page.getByRole('heading', { name: 'The console' }).waitFor()

/** A stranger's page, on this machine too: the browser's own guard of local addresses must not be what saves us. */
async function startStranger(t: TestContext): Promise<number> {
  const server = http.createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end(`<h1>A page</h1><a href="${own}/console">A link</a>`)
  )
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

async function start(t: TestContext) {
  const ops = await startOps(t, { ops: { token, hosts: ['ops.test'] } })
  const open = await startOps(t)
  const portOf = (url: string) => Number(new URL(url).port)
  const browser = await openBrowser(t, {
    'ops.test': portOf(ops.url),
    // Its name leads here as one does whose owner has made it point to this machine.
    'rebound.test': portOf(open.url),
    'evil.test': await startStranger(t)
  })
  return browser && { ops, open, ...browser }
}

test('in a browser the token is asked for once, and no page of a stranger gets anything', async (t) => {
  const started = await start(t)
  if (started === null) return
  const { ops, open, page, requests } = started

  await page.goto(`${own}/console`)
  await signIn(page, 'a wrong token')
  await page.getByRole('alert').waitFor()
  await signIn(page, token)
  await isInConsole(page)
  const [cookie, ...others] = await page.context().cookies()
  assert.deepEqual(others, [])
  assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], ['wd_ops', true, 'Strict'])
  await page.reload()
  await isInConsole(page)

  const csrf = await page.locator('meta[name=csrf-token]').getAttribute('content')
  const word = { method: 'POST', body: '{"i_customer":7,"state":"started"}' }
  const json = { 'content-type': 'application/json' }
  assert.match(await askFrom(page, '/migrations', { ...word, headers: json }), /^403 .*X-CSRF-Token/)
  assert.match(await askFrom(page, '/migrations', { ...word, headers: { ...json, 'x-csrf-token': csrf } }), /^200 /)
  assert.match(await askFrom(page, '/systems'), /^200 /)
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(own)),
    []
  )

  await page.goto('http://evil.test/')
  const before = ops.logText().match(/a migration was told/g)?.length
  for (const [url, host] of [
    [own, 'ops.test'],
    [open.url, 'loopback']
  ] as const) {
    for (const path of ['/systems', '/metrics', '/console']) {
      assert.equal(await askFrom(page, url + path, { credentials: 'include' }), 'TypeError', host)
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      const headers = { 'content-type': type }
      for (const mode of ['no-cors', 'cors']) {
        const got = await askFrom(page, `${url}/migrations`, { ...word, mode, headers, credentials: 'include' })
        assert.match(got, /^(?:opaque|TypeError)$/, `${host} ${type}`)
      }
    }
  }
  assert.equal(ops.logText().match(/a migration was told/g)?.length, before)
  assert.doesNotMatch(open.logText(), /a migration was told/)

  // A link in a mail: the cookie stays behind, and comes again from our own page.
  await page.getByRole('link', { name: 'A link' }).click()
  await page.getByRole('link', { name: 'open the console' }).click()
  await isInConsole(page)

  // A name that was made to point to loopback.
  assert.equal((await page.goto('http://rebound.test/console'))?.status(), 421)
  assert.match(await askFrom(page, '/systems'), /^421 /)
  const headers = { ...json, 'x-forwarded-host': 'localhost' }
  assert.match(await askFrom(page, '/migrations', { ...word, headers }), /^421 /)
  assert.equal((await page.goto(`${open.url}/console`))?.status(), 200)
  await isInConsole(page)
})

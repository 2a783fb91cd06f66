/**
 * A known defect of such gateways, never to be repeated: a target customer could not log in after a source customer had
 * logged out in the same browser, since the mark of the source was still there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hosts, startWorld } from '../build.ts'
import { ask, createJar, login } from '../client.ts'

const host = hosts.customer

/** How the source customer leaves: by the API as an app does, or by the portal's page. */
const exits = [
  { name: 'an API call', ask: { path: '/rest/Session/logout', body: '{"params":{}}' } },
  { name: 'the page', ask: { method: 'GET', path: '/logout' } }
] as const

for (const { name, ask: exit } of exits) {
  test(`after a source customer has left by ${name}, the target's customer logs in and stays there`, async (t) => {
    const { url, source, target } = await startWorld(t)
    const jar = createJar()
    const page = async (path: string) => {
      const reply = await ask(url, { method: 'GET', path, headers: { host, accept: 'text/html', ...jar.header() } })
      jar.take(reply)
      return reply
    }
    const first = await login(url, 'customer', source.users.firstActiveCustomer(), jar.header())
    jar.take(first.reply)
    assert.match((await page('/dashboard')).text, /MR100/)
    jar.take(await ask(url, { ...exit, headers: { host, 'content-type': 'application/json', ...jar.header() } }))
    assert.deepEqual(jar.header(), {}, 'nothing of the session is left in the browser')
    assert.match((await page('/login')).text, /MR115/)

    const second = await login(url, 'customer', target.users.firstActiveCustomer(), jar.header())
    assert.equal(second.reply.status, 200, second.reply.text)
    jar.take(second.reply)
    assert.match((await page('/dashboard')).text, /MR115/)
    // The first one's session is forgotten: whoever still shows it is asked about, and known by nobody.
    const late = await ask(url, {
      path: '/rest/Customer/get_customer_info',
      headers: { host, authorization: `Bearer ${first.accessToken}` },
      body: '{"params":{}}'
    })
    assert.equal(late.status, 500)
    assert.match(late.text, /check_auth/)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logIn, sharedSystem } from './system.ts'

const pages = [
  { path: '/', status: 302, location: '/login' },
  { path: '/dashboard', status: 302, location: '/login' },
  { path: '/login', status: 200, location: null },
  { path: '/static/app.js', status: 200, location: null },
  { path: '/static/style.css', status: 200, location: null },
  { path: '/nothing', status: 404, location: null }
]

const system = await sharedSystem()

for (const { path, status, location } of pages) {
  test(`pages: ${path} answers ${status} to a stranger`, async () => {
    const origin = system.urls.customer
    const response = await fetch(origin + path, { redirect: 'manual' })
    const text = await response.text()
    assert.equal(response.status, status)
    assert.equal(response.headers.get('location'), location === null ? null : origin + location)
    if (response.headers.get('content-type')?.startsWith('text/html'))
      assert.match(text, /<title>.*MR100.*<body>.*MR100/s)
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//)
  })
}

test('pages: a live session sees its dashboard with its name, until it logs out', async () => {
  const user = system.users.firstActiveCustomer()
  const { session_id } = await logIn(system, 'customer', user)
  const get = (path: string) =>
    fetch(system.urls.customer + path, { redirect: 'manual', headers: { cookie: `session_id=${session_id}` } })
  assert.equal((await get('/')).headers.get('location'), `${system.urls.customer}/dashboard`)
  assert.ok((await (await get('/dashboard')).text()).includes(user.name))
  assert.match((await get('/logout')).headers.getSetCookie().join(), /session_id=; .*Max-Age=0/)
  assert.equal((await get('/')).headers.get('location'), `${system.urls.customer}/login`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSimulator } from '../../simulator/index.ts'
import { logIn, sharedSystem } from './system.ts'

const pages = [
  { path: '/', status: 302, location: '/login' },
  { path: '/dashboard', status: 302, location: '/login' },
  { path: '/invoices', status: 302, location: '/login' },
  { path: '/login', status: 200, location: null },
  { path: '/static/app.js', status: 200, location: null },
  { path: '/static/style.css', status: 200, location: null },
  { path: '/static/icon.svg', status: 200, location: null },
  { path: '/favicon.ico', status: 200, location: null },
  { path: '/nothing', status: 404, location: null }
]

const system = await sharedSystem()
const origin = system.urls.customer

for (const { path, status, location } of pages) {
  test(`pages: ${path} answers ${status} to a stranger`, async () => {
    const response = await fetch(origin + path, { redirect: 'manual' })
    const text = await response.text()
    assert.equal(response.status, status)
    assert.equal(response.headers.get('location'), location === null ? null : origin + location)
    if (response.headers.get('content-type')?.startsWith('text/html'))
      assert.match(text, /<title>.*MR100.*<body>.*MR100/s)
    else if (status === 200) assert.equal(response.headers.get('content-location'), origin + path)
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//)
  })
}

test('pages: a live session sees its pages with its name, until it logs out', async () => {
  const user = system.users.firstActiveCustomer()
  const { session_id } = await logIn(system, 'customer', user)
  const get = (path: string) =>
    fetch(origin + path, { redirect: 'manual', headers: { cookie: `session_id=${session_id}` } })
  assert.equal((await get('/')).headers.get('location'), `${origin}/dashboard`)
  const dashboard = await get('/dashboard')
  assert.equal(dashboard.headers.get('cache-control'), 'no-store')
  assert.ok((await dashboard.text()).includes(user.name))
  for (const [path, has] of [
    ['/invoices', 'Invoice/get_invoice_list'],
    ['/calls', 'Customer/get_customer_xdrs'],
    ['/profile', '@customers.example']
  ] as const) {
    assert.ok((await (await get(path)).text()).includes(has), path)
  }
  const out = await get('/logout')
  assert.match(out.headers.getSetCookie().join(), /session_id=; .*Max-Age=0/)
  assert.deepEqual([out.status, out.headers.get('refresh')], [200, `0; url=${origin}/login`])
  assert.equal((await get('/')).headers.get('location'), `${origin}/login`)
})

test('pages: an account has its calls, and no invoices', async () => {
  const { session_id } = await logIn(system, 'account', system.users.firstActiveAccount())
  const get = (path: string) =>
    fetch(system.urls.account + path, { redirect: 'manual', headers: { cookie: `session_id=${session_id}` } })
  assert.ok((await (await get('/calls')).text()).includes('Account/get_xdr_list'))
  assert.ok((await (await get('/profile')).text()).includes('@accounts.example'))
  assert.equal((await get('/invoices')).status, 404)
})

test('pages: the newer release redirects after a logout', async (t) => {
  const target = await startSimulator({ release: 'MR115', role: 'target', customers: 60 })
  t.after(() => target.close())
  const response = await fetch(`${target.urls.customer}/logout`, { redirect: 'manual' })
  assert.deepEqual([response.status, response.headers.get('location')], [302, `${target.urls.customer}/login`])
})

/** Origin, Referer, whether a write by cookie is taken */
const froms = [
  [origin, `${origin}/profile`, 200],
  [origin, undefined, 200],
  [undefined, `${origin}/profile`, 200],
  [undefined, undefined, 403],
  ['null', undefined, 403],
  ['https://evil.example', undefined, 403],
  [origin, 'https://evil.example/', 403],
  [undefined, `${origin}.evil.example/`, 403]
] as const

for (const [from, referer, status] of froms) {
  test(`pages: a write from Origin ${from} and Referer ${referer} answers ${status}`, async () => {
    const { session_id } = await logIn(system, 'customer', system.users.firstActiveCustomer())
    const response = await fetch(`${origin}/profile`, {
      method: 'POST',
      headers: {
        cookie: `session_id=${session_id}`,
        'content-type': 'application/json',
        ...(from !== undefined && { origin: from }),
        ...(referer !== undefined && { referer })
      },
      body: '{"params":{"email":"new@customers.example"}}'
    })
    assert.equal(response.status, status, await response.text())
  })
}

for (const [proto, isSecure] of [
  ['https', true],
  ['http', false],
  [undefined, false]
] as const) {
  test(`pages: a client that came by ${proto ?? 'nothing told'} gets ${isSecure ? 'Secure' : 'plain'} cookies`, async () => {
    const { login, password } = system.users.firstActiveCustomer()
    const response = await fetch(`${origin}/rest/Session/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(proto !== undefined && { 'x-forwarded-proto': proto }) },
      body: JSON.stringify({ params: { login, password } })
    })
    for (const line of response.headers.getSetCookie()) assert.equal(/; Secure/.test(line), isSecure, line)
  })
}

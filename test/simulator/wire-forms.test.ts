import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Login, logIn, rawPost, replyOf, sharedSystem, startSystem } from './system.ts'

const jsonType = { 'content-type': 'application/json' }
const params = '{"i_customer":1}'

interface Form {
  form: string
  send(origin: string, login: Login): Promise<{ status: number; json: Record<string, unknown> }>
}

async function post(
  origin: string,
  headers: Record<string, string>,
  body: string | URLSearchParams | FormData,
  slash = ''
) {
  return replyOf(await fetch(`${origin}/rest/Customer/get_customer_info${slash}`, { method: 'POST', headers, body }))
}

function multipartOf(authInfo: string): FormData {
  const form = new FormData()
  form.set('auth_info', authInfo)
  form.set('params', params)
  return form
}

const path = '/rest/Customer/get_customer_info'
const forms: Form[] = [
  {
    form: 'JSON with a bearer token',
    send: (to, { access_token }) =>
      post(to, { ...jsonType, authorization: `Bearer ${access_token}` }, `{"params":${params}}`)
  },
  {
    form: 'JSON with auth_info.session_id',
    send: (to, { session_id }) => post(to, jsonType, `{"auth_info":{"session_id":"${session_id}"},"params":${params}}`)
  },
  {
    form: 'JSON with auth_info.access_token and a trailing slash',
    send: (to, { access_token }) =>
      post(to, jsonType, `{"auth_info":{"access_token":"${access_token}"},"params":${params}}`, '/')
  },
  {
    form: 'JSON with cookies, numbers as strings',
    send: (to, { session_id }) =>
      post(to, { ...jsonType, cookie: `a=b; session_id=${session_id}` }, '{"params":{"i_customer":"1"}}')
  },
  {
    form: 'an urlencoded form',
    send: (to, { session_id }) =>
      post(to, {}, new URLSearchParams({ auth_info: JSON.stringify({ session_id }), params }))
  },
  { form: 'multipart', send: (to, { session_id }) => post(to, {}, multipartOf(JSON.stringify({ session_id }))) },
  {
    form: 'a raw URL path',
    send: (to, { session_id }) => rawPost(to, `${path}/{"session_id":"${session_id}"}/${params}`)
  },
  {
    form: 'a percent-encoded URL path',
    send: (to, { session_id }) =>
      rawPost(to, `${path}/${encodeURIComponent(JSON.stringify({ session_id }))}/${encodeURIComponent(params)}`)
  },
  {
    form: 'a URL path with an empty JSON body',
    send: (to, { session_id }) => rawPost(to, `${path}/{"session_id":"${session_id}"}/${params}/`, jsonType)
  }
]

const shared = await sharedSystem()
const sharedLogin = await logIn(shared, 'admin', shared.users.admin())

for (const { form, send } of forms) {
  test(`wire forms: ${form} reads the customer`, async () => {
    const { status, json } = await send(shared.urls.admin, sharedLogin)
    assert.equal(status, 200, JSON.stringify(json))
    assert.equal((json.customer_info as { i_customer: number }).i_customer, 1)
  })
}

test('wire forms: a login in the URL path may have slashes and braces in its password', async (t) => {
  const system = await startSystem(t)
  const { login } = system.users.firstActiveCustomer()
  const secret = 'p/..}{"\\ü?'
  const admin = await logIn(system, 'admin', system.users.admin())
  await rawPost(
    system.urls.admin,
    '/rest/Customer/update_customer',
    { ...jsonType, authorization: `Bearer ${admin.access_token}` },
    JSON.stringify({ params: { customer_info: { i_customer: 1, password: secret } } })
  )
  const json = encodeURIComponent(JSON.stringify({ login, password: secret }))
  assert.equal((await rawPost(system.urls.customer, `/rest/Session/login//${json}`)).status, 200)
})

test('wire forms: an empty body with a JSON content type means no parameters', async (t) => {
  const system = await startSystem(t)
  const { access_token } = await logIn(system, 'customer', system.users.firstActiveCustomer())
  const headers = { ...jsonType, authorization: `Bearer ${access_token}` }
  const reply = await rawPost(system.urls.customer, path, headers)
  assert.equal(reply.status, 200)
})

test('wire forms: numbers keep their text through an update and back', async (t) => {
  const system = await startSystem(t)
  const { access_token } = await logIn(system, 'admin', system.users.admin())
  const headers = { ...jsonType, authorization: `Bearer ${access_token}` }
  const body =
    '{"params":{"customer_info":{"i_customer":1,"credit_limit":7.10,"balance":-0.50,"big":9007199254740993}}}'
  await rawPost(system.urls.admin, '/rest/Customer/update_customer', headers, body)
  const { text } = await rawPost(system.urls.admin, path, headers, `{"params":${params}}`)
  for (const part of ['"credit_limit":7.10', '"balance":-0.50', '"big":9007199254740993'])
    assert.ok(text.includes(part))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminToken, replyOf, startSystem } from './system.ts'

const jsonType = { 'content-type': 'application/json' }

test('other APIs: PortaSIP and CallControl take the same token on their own paths', async (t) => {
  const system = await startSystem(t)
  const headers = { ...jsonType, authorization: `Bearer ${await adminToken(system)}` }
  const post = async (path: string, params: object) =>
    replyOf(await fetch(system.urls.admin + path, { method: 'POST', headers, body: JSON.stringify({ params }) }))
  const update = { i_account: 1, menu_info: { name: 'Grüße' } }
  assert.deepEqual((await post('/portasip/rest/AutoAttendant/update_menu', update)).json, { success: 1 })
  const menus = await post('/portasip/rest/AutoAttendant/get_menu_list', { i_account: 1 })
  assert.deepEqual(menus.json, { menu_list: [{ name: 'Grüße', i_menu: 1, i_account: 1 }] })
  assert.equal((await post('/portasip/rest/Conference/get_conference_list', { i_account: 1 })).status, 200)
  assert.equal((await post('/portasip/rest/Voicemail/get_settings', { i_account: 1 })).status, 200)
  assert.deepEqual((await post('/callcontrol/enable_api_notifications', { i_customer: 1 })).json, { success: 1 })
  assert.deepEqual((await post('/callcontrol/get_sip_calls_list', { i_customer: 1 })).json, { calls_list: [] })
  const wrong = await post('/portasip/rest/Customer/get_customer_info', { i_customer: 1 })
  assert.equal(wrong.json.faultcode, 'Server.Customer.unknown_method')
})

test('other APIs: the plain REST API creates, reads, changes and deletes, and answers 401 to a bad token', async (t) => {
  const system = await startSystem(t)
  const token = await adminToken(system)
  const send = async (method: string, path: string, credential = token) => {
    const body = method === 'POST' || method === 'PUT' ? '{"name":"one"}' : null
    const headers = { ...jsonType, authorization: `Bearer ${credential}` }
    return replyOf(await fetch(`${system.urls.admin}/espf/v1/subscriptions${path}`, { method, headers, body }))
  }
  assert.equal((await send('GET', '', 'bad')).status, 401)
  const { status, json } = await send('POST', '')
  assert.equal(status, 201)
  const steps = [
    { method: 'GET', path: `/${json.id}`, status: 200 },
    { method: 'PUT', path: `/${json.id}`, status: 200 },
    { method: 'DELETE', path: `/${json.id}`, status: 200 },
    { method: 'GET', path: `/${json.id}`, status: 404 },
    { method: 'PATCH', path: '', status: 405 }
  ]
  for (const step of steps) assert.equal((await send(step.method, step.path)).status, step.status, step.method)
})

test('other APIs: the reference is a page and a description per realm', async (t) => {
  const system = await startSystem(t)
  const page = await replyOf(await fetch(`${system.urls.customer}/doc/api/`))
  assert.match(page.text, /MR100/)
  const { json } = await replyOf(await fetch(`${system.urls.customer}/doc/api/CustomerInterface.json`))
  assert.ok('/rest/Customer/get_customer_info' in (json.paths as object))
})

const envelope = (header: string, body: string) => `<?xml version="1.0"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:p">
<SOAP-ENV:Header>${header}</SOAP-ENV:Header><SOAP-ENV:Body>${body}</SOAP-ENV:Body></SOAP-ENV:Envelope>`

test('other APIs: SOAP logs in, changes a customer and reads it', async (t) => {
  const system = await startSystem(t)
  const { login, password } = system.users.admin()
  const soap = async (name: string, header: string, body: string) => {
    const headers = { 'content-type': 'text/xml; charset=utf-8', soapaction: '""' }
    const url = `${system.urls.admin}/soap/${name}`
    return replyOf(await fetch(url, { method: 'POST', headers, body: envelope(header, body) }))
  }
  const answer = await soap(
    'Session/login',
    '',
    `<p:login><login>${login}</login><password>${password}</password></p:login>`
  )
  assert.match(answer.headers.get('content-type') ?? '', /^text\/xml/)
  const session = /<session_id>(\w+)</.exec(answer.text)?.[1]
  const header = `<auth_info><session_id>${session}</session_id></auth_info>`
  const changed =
    '<update_customer><customer_info><i_customer>1</i_customer><city>A&amp;B</city></customer_info></update_customer>'
  assert.equal((await soap('Customer/update_customer', header, changed)).status, 200)
  const info = '<get_customer_info><i_customer>1</i_customer></get_customer_info>'
  assert.match((await soap('Customer/get_customer_info', header, info)).text, /<city>A&#38;B<\/city>/)
  const refused = await soap('Customer/get_customer_info', '', info)
  assert.equal(refused.status, 500)
  assert.match(refused.text, /<soap:Fault><faultcode>Client\.check_auth\.envelope_missed</)
  const toService = info.replace('1', '<![CDATA[2]]>')
  assert.match((await soap('Customer', header, toService)).text, /<get_customer_infoResponse>.*<i_customer>2</)
  assert.equal(system.journal.entries.at(-1)?.method, 'get_customer_info')
  system.faults.add({ match: { service: 'Customer' }, fault: { kind: 'fault', faultcode: 'Server.x' }, times: 1 })
  assert.match((await soap('Customer', header, toService)).text, /<soap:Fault><faultcode>Server\.x</)
  const wsdl = await replyOf(await fetch(`${system.urls.admin}/soap/Customer?wsdl`))
  assert.match(wsdl.text, /<operation name="update_customer">/)
  assert.match(wsdl.text, new RegExp(`<soap:address location="${system.urls.admin}/soap/Customer"/>`))
  assert.equal((await fetch(`${system.urls.admin}/soap/Nothing?wsdl`)).status, 404)
  const unreadable = await soap('Customer/get_customer_info', header, '<a><b></a>')
  assert.match(unreadable.text, /<faultcode>Client\.malformed_request</)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminToken, call, startSystem } from './system.ts'

test('session state: a one-time password verifies once, and only in the session that created it', async (t) => {
  const system = await startSystem(t)
  const [own, other] = [await adminToken(system), await adminToken(system)]
  const created = await call(system, 'admin', 'AccessControl/create_otp', { operation: 'pay' }, own)
  const { one_time_password } = created.json
  const verify = async (token: string, operation: string) =>
    (await call(system, 'admin', 'AccessControl/verify_otp', { one_time_password, operation }, token)).status
  assert.equal(await verify(other, 'pay'), 500)
  assert.equal(await verify(own, 'other'), 500)
  assert.equal(await verify(own, 'pay'), 200)
  assert.equal(await verify(own, 'pay'), 500)
})

test('session state: calls are seen from the moment that notifications are enabled, by their session alone', async (t) => {
  const system = await startSystem(t)
  const [own, other] = [await adminToken(system), await adminToken(system)]
  const control = async (name: string, params: object, token: string) =>
    (await call(system, 'admin', `CallControl/${name}`, { i_customer: 1, ...params }, token)).json
  await control('originate_call', { from: '1', to: '2' }, own)
  await control('enable_api_notifications', {}, own)
  assert.deepEqual(await control('get_sip_calls_list', {}, own), { calls_list: [] })
  const { tracking_id } = await control('originate_call', { from: '1', to: '2' }, other)
  await control('answer_call', { tracking_id }, own)
  const { calls_list } = await control('get_sip_calls_list', {}, own)
  assert.deepEqual(
    (calls_list as object[]).map((seen) => ({ ...seen, caller: null, callee: null })),
    [{ tracking_id, state: 'connected', caller: null, callee: null, queue_info: null }]
  )
  const off = 'Server.CallControl.sip.disabled_api_notifications'
  assert.equal((await control('get_sip_calls_list', {}, other)).faultcode, off)
  await control('terminate_call', { tracking_id }, own)
  assert.deepEqual(await control('get_sip_calls_list', {}, own), { calls_list: [] })
  await control('disable_api_notifications', {}, own)
  assert.equal((await control('get_sip_calls_list', {}, own)).faultcode, off)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCall } from '../../core/call.ts'
import { readPath } from '../../core/call-in-path.ts'
import { noCall } from '../../core/words.ts'
import { rest } from './routes.ts'

const route = rest('Customer/get_customer_list')
const text = '{ "i_parent": 9007199254740993, "rate":1.10,"name":"\\u00e9{" }'
const part = (name: string, value: string) =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

/** what, Content-Type, body, what stands behind the method in the path, the text */
for (const [what, contentType, body, inPath, expected] of [
  ['JSON', 'application/json', ` {"auth_info":{"params":1} , "params" : ${text}\n}`, '', text],
  ['the last of two', 'application/json', `{"params":{"a":1},"params":${text}}`, '', text],
  ['a form', 'application/x-www-form-urlencoded', `params=${encodeURIComponent(text)}`, '', text],
  ['multipart', 'multipart/form-data; boundary=XX', `${part('params', text)}--XX--\r\n`, '', text],
  ['a path', undefined, '', `/{}/${encodeURIComponent(text)}`, text],
  ['a raw path', undefined, '', `//${text}`, text],
  ['a path and a body', 'application/json', `{"auth_info":{}}`, `//${text}`, text],
  ['credentials in the path', 'application/json', `{"params":${text}}`, '/{"session_id":"S"}/', text],
  ['no params', 'application/json', '{"auth_info":{}}', '', '{}'],
  ['null', 'application/json', '{"params":null}', '', '{}'],
  ['an empty field', 'application/x-www-form-urlencoded', 'params=', '', '{}'],
  ['nothing', undefined, '', '', '{}']
] as const) {
  test(`the text of params as the client wrote it: ${what}`, async () => {
    const here = { ...route, inPath: inPath === '' ? noCall : readPath(inPath) }
    const call = await readCall(here, contentType, body === '' ? null : Buffer.from(body))
    assert.equal(call.paramsText, expected)
  })
}

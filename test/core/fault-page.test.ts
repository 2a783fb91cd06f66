import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultPageHeaders } from '../../core/fault-page.ts'
import { Fault, type FaultName, faults, renderFault } from '../../core/faults.ts'

const asked = { requestId: 'abc123-7', isRead: true }
const pageOf = (fault: Fault, by = asked) => renderFault(fault, 'page', true, by)[1]

for (const name of Object.keys(faults) as FaultName[]) {
  test(`the page of ${name} is whole in itself, in a customer's words, and names the request`, () => {
    const fault = new Fault(name, 'target', { retryAfter: 5 })
    const text = pageOf(fault)
    assert.match(text, /^<!doctype html>\n<html lang="en">/)
    assert.match(text, /<meta name="viewport" content="width=device-width, initial-scale=1">/)
    assert.match(text, /<title>[A-Z][^<]+<\/title>/)
    assert.ok(text.includes(`${fault.statusCode} ${fault.faultcode}`) && text.includes('abc123-7'))
    assert.doesNotMatch(
      text.replace(/<style>.*<\/style>/s, ''),
      /\b(?:target|source|system|gateway|realm)\b/i,
      'no word of ours'
    )
    assert.doesNotMatch(
      text,
      /<script|http-equiv|url\(|@import|(?:src|href)="(?!data:,"|"|\/")/,
      'nothing is loaded or run'
    )
  })
}

test('nothing of what a fault says of the request is on its page', () => {
  const nasty = new Fault('malformed_request', `<script>"a" & 'b'`)
  assert.ok(!pageOf(nasty).includes('script'))
})

/** fault, seconds, whether it was a read, what the page has, what it does not have */
const ways = [
  ['system_unavailable', 5, true, 'You can try again in 5 seconds.', 'has arrived'],
  ['system_unavailable', 1, true, 'in one second.', 'has arrived'],
  ['system_unavailable', undefined, true, 'animation-delay:0s">Try again', 'You can try again in'],
  ['system_unavailable', 3600, true, 'animation-delay:60s">Try again', '3600'],
  ['system_timeout', undefined, true, '>Try again<', 'has arrived'],
  ['bad_gateway', undefined, false, 'has arrived', 'Try again'],
  ['too_many_logins', 30, true, 'animation-delay:30s">Try again', 'has arrived'],
  ['not_found', undefined, true, 'href="/"', 'ry again'],
  ['unknown_realm', undefined, true, 'href="/"', 'ry again']
] as const

for (const [name, retryAfter, isRead, has, hasNot] of ways) {
  test(`the page of ${name}, ${retryAfter ?? 'no'} seconds, ${isRead ? 'a read' : 'a write'}: "${has}"`, () => {
    const fault = new Fault(name, 'source', retryAfter === undefined ? {} : { retryAfter })
    const text = pageOf(fault, { ...asked, isRead })
    assert.ok(text.includes(has), text)
    assert.ok(!text.includes(hasNot), text)
  })
}

test('its headers let it load and send nothing, and nobody keep it', () => {
  assert.equal(faultPageHeaders['cache-control'], 'no-store')
  assert.match(faultPageHeaders['content-security-policy'] ?? '', /^default-src 'none'; /)
  assert.doesNotMatch(faultPageHeaders['content-security-policy'] ?? '', /script|https?:|\*/)
})

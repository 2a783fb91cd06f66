/** Credentials in SOAP envelopes: exchanged where they stand, and nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { swapEnvelope } from '../../core/envelope-swap.ts'

const own = '0123456789abcdef0123456789abcdef'
const theirs = 'fedcba98<76543210&fedcba98"76543210'
const written = 'fedcba98&#60;76543210&#38;fedcba98"76543210'
const swaps = [
  { from: own, to: theirs },
  { from: 'token.with-a_tail~1234', to: '' }
]
const envelope = (header: string, body = '<m/>') =>
  `<S:Envelope xmlns:S="x"><S:Header>${header}</S:Header><S:Body>${body}</S:Body></S:Envelope>`

const swapped = (text: string, encoding: BufferEncoding = 'utf8', contentType = 'text/xml') =>
  swapEnvelope(Buffer.from(text, encoding), contentType, swaps).toString(encoding)

const inReferences = [...own].map((character) => `&#x${character.charCodeAt(0).toString(16)};`).join('')

for (const [what, before, after] of [
  ['as it is', own, written],
  ['with space around it', `\r\n\t ${own}\r\n`, `\r\n\t ${written}\r\n`],
  ['in references', inReferences, written],
  ['in a CDATA section', `<![CDATA[${own}]]>`, written],
  [
    'in pieces',
    `${own.slice(0, 5)}<![CDATA[${own.slice(5, 9)}]]>&#${own.charCodeAt(9)};<!-- x -->${own.slice(10)}`,
    written
  ],
  ['inside a longer text', `a=1&amp;t=${own}&lt;`, `a=1&#38;t=${written}&#60;`],
  ['percent-encoded in a text', `x=%30${own.slice(1)}`, `x=${'fedcba98%3C76543210%26fedcba98%2276543210'}`],
  ['of which the system has none', ' token.with-a_tail~1234 ', '  ']
] as const) {
  test(`a credential ${what}`, () => {
    for (const place of [
      (text: string) => envelope(`<auth_info><session_id a="\u00e9">${text}</session_id></auth_info>`),
      (text: string) =>
        envelope('', `<ping><x>caf\u00e9 \u{1f600}</x><p:access_token>${text}</p:access_token><y>\r\n</y></ping>`)
    ]) {
      assert.equal(swapped(place(before)), place(after))
    }
  })
}

test('behind a byte order mark, and in other charsets, the bytes are the same ones', () => {
  const text = (id: string) =>
    envelope(`<auth_info><n>caf\u00e9 \u00fc</n><session_id>${id}</session_id></auth_info>\u00e9`)
  assert.equal(swapped(`\ufeff${text(own)}`), `\ufeff${text(written)}`)
  assert.equal(swapped(text(own), 'latin1', 'text/xml; charset=iso-8859-1'), text(written))
})

test('where nothing is exchanged, the same Buffer goes on', () => {
  const body = Buffer.from(envelope('<auth_info><session_id>somebody else</session_id></auth_info>'))
  assert.equal(swapEnvelope(body, 'text/xml', swaps), body)
})

for (const [what, text] of [
  ['an attribute', envelope(`<a x="${own}"/>`)],
  ['an attribute, in references', envelope(`<a x="${inReferences}"/>`)],
  ['a comment', envelope(`<!-- ${own} -->`)],
  ['a text beside elements', envelope(`<a>${own}<b/></a>`)],
  ['pieces around an element', envelope(`<a>${own.slice(0, 9)}<b/>${own.slice(9)}</a>`)],
  ['the name of an element', envelope(`<a><x${own}/></a>`)],
  ['the name of an attribute', envelope(`<a><x x${own}=""/></a>`)],
  ['an envelope in another charset', Buffer.from(envelope(`<a>${own}</a>`), 'utf16le').toString('latin1')],
  ['what is no XML', own]
] as const) {
  test(`a credential in ${what} is not sent on`, () => {
    assert.throws(() => swapped(text, 'latin1'), { faultcode: 'Client.Dispatcher.malformed_request' })
  })
}

const xmlText = fc.string({ unit: fc.constantFrom(...'ab 1\n\té\u{1f600}'), maxLength: 8 })
const piece = fc.oneof(
  xmlText.map((text) => ({ text, own: false })),
  xmlText.map((text) => ({
    text: `<x y="${text.replaceAll('\n', ' ')}">${text}&amp;<![CDATA[${text}<]]></x><z/>`,
    own: false
  })),
  xmlText.map((text) => ({ text: `<!--${text}-->`, own: false })),
  fc.constantFrom(own, inReferences, `<![CDATA[${own}]]>`).map((text) => ({ text, own: true }))
)

test('property: every byte outside the credentials is as it was', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.boolean(), (pieces, isMarked) => {
      const whole = (id: (text: string) => string) =>
        (isMarked ? '\ufeff' : '') +
        envelope(pieces.map((one) => (one.own ? `<id>\n${id(one.text)} </id>` : one.text)).join(''))
      assert.equal(
        swapped(whole((text) => text)),
        whole(() => written)
      )
    }),
    { numRuns: 500 }
  )
})

test('space beside a credential costs no more than its bytes', () => {
  const space = ' '.repeat(500_000)
  const begun = performance.now()
  const text = (id: string) => envelope(`<a>${space}x${space}${id}${space}</a>`)
  assert.equal(swapped(text(own)), text(written))
  assert.ok(performance.now() - begun < 5000)
})

/** What is read out of SOAP envelopes, and what is refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEnvelope } from '../../core/envelope.ts'
import { Fault } from '../../core/faults.ts'

const space = 'http://schemas.xmlsoap.org/soap/envelope/'
const declaration = '<?xml version="1.0" encoding="UTF-8"?>'
const envelope = (body: string, header = '') =>
  `<S:Envelope xmlns:S="${space}">${header}<S:Body>${body}</S:Body></S:Envelope>`
const shown = (content: string) => envelope('<m/>', `<S:Header><auth_info>${content}</auth_info></S:Header>`)
const called = (content: string) => envelope(`<m>${content}</m>`)

const read = (text: string | Buffer, contentType = 'text/xml', method = '') =>
  readEnvelope(method, contentType, Buffer.from(text as string))

for (const [what, text] of [
  ['as it is', shown('<session_id>a&lt;b</session_id>')],
  ['behind a declaration', declaration + shown('<session_id>a&lt;b</session_id>')],
  ['behind a byte order mark', `\ufeff${declaration}${shown('<session_id>a&lt;b</session_id>')}`],
  ['in a CDATA section', shown('<session_id><![CDATA[a<b]]></session_id>')],
  ['partly in a CDATA section', shown('<session_id>a<![CDATA[<]]>b</session_id>')],
  ['in references', shown('<session_id>&#97;&#x3C;&#x62;</session_id>')],
  ['with space around it', shown('\r\n <session_id>\n\t a&lt;b \r\n</session_id>\n')],
  ['with comments inside', shown('<session_id><!-- x -->a&lt;<!----> b</session_id>'.replace(' b<', 'b<'))],
  ['with attributes', shown('<session_id xsi:type="xsd:string" id="x">a&lt;b</session_id>')],
  [
    'under other prefixes',
    `<SOAP-ENV:Envelope xmlns:SOAP-ENV="${space}"><SOAP-ENV:Header><p:auth_info xmlns:p="urn:p"><q:session_id xmlns:q="urn:q">a&lt;b</q:session_id></p:auth_info></SOAP-ENV:Header><SOAP-ENV:Body><n:m xmlns:n="urn:n"/></SOAP-ENV:Body></SOAP-ENV:Envelope>`
  ],
  [
    'under none',
    `<Envelope xmlns="${space}"><Header><auth_info><session_id>a&lt;b</session_id></auth_info></Header><Body><m/></Body></Envelope>`
  ],
  ['of SOAP 1.2', shown('<session_id>a&lt;b</session_id>').replace(space, 'http://www.w3.org/2003/05/soap-envelope')]
] as const) {
  test(`a session id ${what} is read`, () => {
    const { method, call } = read(text)
    assert.equal(method, 'm')
    assert.deepEqual(call.authInfo, { session_id: 'a<b' })
    assert.deepEqual(call.params, {})
  })
}

for (const [what, text, params] of [
  ['texts', '<a>1</a><b>1.10</b><c/>', { a: '1', b: '1.10', c: '' }],
  ['nil', '<a xsi:nil="true"/><b nil="1"></b><c xsi:nil="false">x</c>', { a: null, b: null, c: 'x' }],
  ['a record', '<customer_info><i_customer>7</i_customer></customer_info>', { customer_info: { i_customer: '7' } }],
  ['an empty record', '<customer_info/>', { customer_info: {} }],
  ['a wrapper of any name', '<c-gensym3><i_customer>7</i_customer></c-gensym3>', { i_customer: '7' }],
  ['params', '<params><i_customer>7</i_customer></params>', { i_customer: '7' }],
  ['a repeated element', '<x>1</x><x>2</x>', { x: ['1', '2'] }],
  ['texts beyond ASCII', '<a>caf\u00e9 \u{1f600}</a>', { a: 'caf\u00e9 \u{1f600}' }],
  ['text beside elements', '<a>text<b>1</b></a><c/>', { a: { b: '1' }, c: '' }]
] as const) {
  test(`parameters: ${what}`, () => assert.deepEqual(read(called(text)).call.params, params))
}

test('an element named __proto__ is a member as any other', () => {
  const { params } = read(called('<__proto__><i_customer>5</i_customer></__proto__><a/>')).call
  assert.equal(params?.i_customer, undefined)
  assert.deepEqual(Object.keys(params ?? {}), ['__proto__', 'a'])
})

for (const [what, text] of [
  ['no Header', envelope('<m/>')],
  ['an empty Header', envelope('<m/>', '<S:Header/>')],
  ['a Header with something else', envelope('<m/>', '<S:Header><x/></S:Header>')],
  ['a nil auth_info', envelope('<m/>', '<S:Header><auth_info xsi:nil="true"/></S:Header>')]
] as const) {
  test(`${what}: nothing is shown`, () => assert.equal(read(text).call.authInfo, null))
}

for (const [what, charset, declared] of [
  ['ISO-8859-1 by the header', 'iso-8859-1', ''],
  ['ISO-8859-1 by the declaration', '', '<?xml version="1.0" encoding="ISO-8859-1"?>'],
  ['windows-1252 by both', 'windows-1252', "<?xml version='1.0' encoding='windows-1252' standalone='yes'?>"]
] as const) {
  test(`${what} is read`, () => {
    const type = charset === '' ? 'text/xml' : `text/xml; charset="${charset}"`
    const { params } = read(Buffer.from(declared + called('<a>caf\u00e9</a><b/>'), 'latin1'), type).call
    assert.deepEqual(params, { a: 'caf\u00e9', b: '' })
  })
}

test('charsets that are named side by side do not matter where all is ASCII', () => {
  assert.equal(
    read(`<?xml version="1.0" encoding="ISO-8859-1"?>${envelope('<m/>')}`, 'text/xml; charset=utf-8').method,
    'm'
  )
})

const laughs = `<!DOCTYPE lolz [<!ENTITY l0 "lol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('')}]>`
const secret = 'S3CRET'
const many = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join('')
const mega = 1 << 20

/** What nobody may be made to work for, and what two readers could read in two ways; each has a secret that no fault tells. */
const refused: readonly [what: string, body: string | Buffer, contentType?: string][] = [
  ['nothing', ' '],
  ['no XML', secret],
  ['JSON', `{"params":{"login":"${secret}"}}`],
  ['an unclosed element', called(`<a>${secret}`)],
  ['an unclosed tag', `<S:Envelope ${secret}`],
  ['closing tags in disorder', called(`<a><b>${secret}</a></b>`)],
  ['two roots', `${called('')}${called(secret)}`],
  ['text behind the root', `${called('')}${secret}`],
  ['no envelope', `<m>${secret}</m>`],
  ['no Body', `<S:Envelope xmlns:S="${space}"><x>${secret}</x></S:Envelope>`],
  ['an empty Body', envelope('')],
  ['a Body with text alone', envelope(secret)],
  ['two Bodies', called('').replace('</S:Envelope>', `<S:Body><m>${secret}</m></S:Body></S:Envelope>`)],
  ['a second Body of another namespace', envelope(`<m>${secret}</m>`, '<x:Body xmlns:x="urn:x"><m/></x:Body>')],
  ['two Headers', envelope('<m/>', `<S:Header/><S:Header>${secret}</S:Header>`)],
  ['two calls in one Body', envelope(`<m/><n>${secret}</n>`)],
  ['two auth_info', envelope('<m/>', '<S:Header><auth_info/><x:auth_info xmlns:x="y"/></S:Header>')],
  [
    'an auth_info that is text',
    envelope('<m/>', `<S:Header><auth_info>{"session_id":"${secret}"}</auth_info></S:Header>`)
  ],
  ['two session ids', shown(`<session_id>a</session_id><session_id>${secret}</session_id>`)],
  ['two i_customer', called('<i_customer>1</i_customer><i_customer>2</i_customer>')],
  ['two records', called('<customer_info><i_customer>1</i_customer></customer_info><customer_info/>')],
  ['params beside others', called('<i_customer>1</i_customer><params><i_customer>2</i_customer></params>')],
  ['nil with content', called(`<a xsi:nil="true">${secret}</a>`)],
  ['a reference to another element', envelope(`<m><a href="#id0"/><b>${secret}</b></m>`)],
  ['a call that refers to an element', envelope('<m href="#id0"/>')],
  ['a method whose name is none', envelope(`<m-n>${secret}</m-n>`)],
  ['a document type', `<!DOCTYPE x>${called(secret)}`],
  ['a billion laughs', `${laughs}${called('&l9;')}`],
  ['a quadratic blow-up', `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(50_000)}">]>${called('&a;'.repeat(50_000))}`],
  ['an external entity', `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${called('&f;')}`],
  ['an external document type', `<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">${called(secret)}`],
  ['a parameter entity', `<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p">%p;]>${called(secret)}`],
  ['an unknown entity', called(`&nbsp;${secret}`)],
  ['a reference to no character', called('&#0;')],
  ['a processing instruction', called(`<?php ${secret} ?>`)],
  ['a style sheet', `${declaration}<?xml-stylesheet href="x"?>${called(secret)}`],
  ['XML 1.1', `<?xml version="1.1"?>${called(secret)}`],
  ['a second declaration', `${declaration}${declaration}${called(secret)}`],
  ['space before the declaration', ` ${declaration}${called(secret)}`],
  ['a repeated attribute', called(`<a x="1" x="${secret}"/>`)],
  ['"<" in an attribute', called(`<a x="<${secret}"/>`)],
  ['NUL', called(`\0${secret}`)],
  ['a control character', called(`\u0007${secret}`)],
  ['"]]>" in a text', called(`]]>${secret}`)],
  ['a depth of 10,000', called('<a>'.repeat(10_000) + '</a>'.repeat(10_000))],
  ['a depth of 65', called('<a>'.repeat(63) + '</a>'.repeat(63))],
  ['a megabyte of open elements', '<a>'.repeat(mega / 3)],
  ['a flood of elements', called('<a/>'.repeat(mega / 4))],
  ['a flood of attributes', called(`<a ${many(60_000, (at) => `a${at}="" `)}/>`)],
  ['a flood of comments', called('<!---->'.repeat(100_000))],
  ['a flood of CDATA sections', called('<![CDATA[]]>'.repeat(80_000))],
  ['a megabyte of "<"', '<'.repeat(mega)],
  ['a megabyte of "&"', called('&'.repeat(mega))],
  ['a megabyte of "]"', called(`<![CDATA[${']'.repeat(mega)}`)],
  ['a megabyte of "["', `<!DOCTYPE ${'['.repeat(mega)}`],
  ['a megabyte of space in a tag', `<S:Envelope${' '.repeat(mega)}`],
  ['a closing tag that does not end', `<a></a${' '.repeat(mega)}`],
  ['invalid UTF-8', Buffer.concat([Buffer.from('<a>'), Buffer.from([0xc3, 0x28]), Buffer.from('</a>')])],
  ['overlong UTF-8', Buffer.concat([Buffer.from(called('').slice(0, 20)), Buffer.from([0xc0, 0xbc])])],
  ['UTF-16 with its mark', Buffer.from(`\ufeff${called(secret)}`, 'utf16le')],
  ['UTF-16 without', Buffer.from(called(secret), 'utf16le')],
  ['UTF-16 by the header', Buffer.from(called(secret), 'utf16le'), 'text/xml; charset=utf-16'],
  ['UTF-16 by the declaration', `<?xml version="1.0" encoding="UTF-16"?>${called(secret)}`],
  ['UTF-7', called(secret), 'text/xml; charset=utf-7'],
  ['a charset that nobody knows', called(secret), 'text/xml; charset=iso-8859-99'],
  ['two charsets', `<?xml version="1.0" encoding="ISO-8859-1"?>${called(`\u00e9${secret}`)}`, 'text/xml; charset=utf-8']
]

for (const [what, body, contentType] of refused) {
  test(`${what} is refused, in time, and told to nobody`, () => {
    const begun = performance.now()
    assert.throws(
      () => read(body, contentType),
      (error) => {
        assert.ok(error instanceof Fault, String(error))
        assert.equal(error.statusCode, 400)
        assert.doesNotMatch(error.message, new RegExp(secret))
        assert.equal(error.cause, undefined)
        return true
      }
    )
    // A megabyte takes some tens of ms; whatever grows faster than its bytes takes minutes.
    assert.ok(performance.now() - begun < 2000)
  })
}

test('the deepest and the largest that are read', () => {
  assert.equal(read(called('<a>'.repeat(61) + '</a>'.repeat(61))).method, 'm')
  assert.equal(read(called('<a/>'.repeat(19_990))).method, 'm')
  const begun = performance.now()
  assert.equal(read(called(`<a>${'&amp;'.repeat(150_000)}${'x'.repeat(200_000)}</a>`)).method, 'm')
  assert.ok(performance.now() - begun < 2000)
})

test('the URL and the Body may not name different methods', () => {
  assert.equal(read(envelope('<x:get_it xmlns:x="y"/>'), 'text/xml', 'get_it').method, 'get_it')
  assert.throws(() => read(envelope('<update_it/>'), 'text/xml', 'get_it'), /different methods/)
})

const tokens = [
  ...[
    '<',
    '>',
    '</',
    '/>',
    '&',
    ';',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    'a',
    ':',
    '#',
    '7',
    'x="',
    'é',
    '\u{1f600}',
    '\0',
    ']]>',
    '<![CDATA['
  ],
  ...[
    '<!--',
    '-->',
    '<?xml version="1.0"?>',
    '<?',
    '?>',
    '<!DOCTYPE a [',
    '&amp;',
    '&#55;',
    '&#xD800;',
    'xsi:nil="true"'
  ],
  ...['<S:Envelope>', '</S:Envelope>', '<S:Header>', '</S:Header>', '<S:Body>', '</S:Body>', '<m>', '</m>', '<m/>'],
  ...['<auth_info>', '</auth_info>', '<session_id>', '</session_id>', '<__proto__>', '</__proto__>', '<customer_info/>']
]
const envelopeAround = (content: string) => `<S:Envelope>${content}</S:Envelope>`
const anyXml = fc.array(fc.constantFrom(...tokens), { maxLength: 40 }).map((parts) => parts.join(''))

test('property: whatever comes is a call, or is refused with a fault of ours', () => {
  const contentType = fc.constantFrom('text/xml', 'text/xml; charset=utf-8', 'text/xml;charset=latin1', ';charset=')
  const body = fc.oneof(anyXml, anyXml.map(envelopeAround), anyXml.map(called), anyXml.map(shown))
  fc.assert(
    fc.property(body, contentType, (text, type) => {
      try {
        assert.match(read(text, type).method, /^\w+$/)
      } catch (error) {
        assert.equal((error as Fault).statusCode, 400, String(error))
      }
    }),
    { numRuns: 3000 }
  )
})

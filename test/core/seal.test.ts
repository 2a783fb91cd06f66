import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createSeal } from '../../core/seal.ts'

const secret = 'a secret of more than thirty-two characters'
const { keyOf, seal, open } = createSeal(secret)

test('whatever is sealed opens again, for the same purpose alone', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (text, purpose, other) => {
      const sealed = seal(purpose, text)
      assert.equal(open(purpose, sealed), Buffer.from(text).toString())
      if (other !== purpose) assert.equal(open(other, sealed), null)
    })
  )
})

test('a sealed text is one token of a URL, and never the same twice', () => {
  const [one, two] = [seal('pair', 'S'), seal('pair', 'S')]
  assert.notEqual(one, two)
  assert.match(one, /^[\w-]+$/)
  assert.ok(!Buffer.from(one, 'base64url').includes('S'.repeat(8)))
})

test('a sealed text opens after a restart', () => {
  assert.equal(createSeal(secret).open('pair', seal('pair', 'S')), 'S')
})

test('another secret opens nothing', () => {
  assert.equal(createSeal(`${secret}.`).open('pair', seal('pair', 'S')), null)
})

test('a change of any one byte opens nothing: initialisation vector, text or tag', () => {
  const sealed = Buffer.from(seal('pair', 'session'), 'base64url')
  assert.equal(sealed.length, 12 + 'session'.length + 16)
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.equal(open('pair', changed.toString('base64url')), null, `byte ${at}`)
  }
})

test('a text cut at any byte, or with more behind it, opens nothing', () => {
  const sealed = Buffer.from(seal('pair', 'session'), 'base64url')
  for (let at = 0; at < sealed.length; at++) {
    assert.equal(open('pair', sealed.subarray(0, at).toString('base64url')), null, `${at} bytes`)
  }
  assert.equal(open('pair', Buffer.concat([sealed, Buffer.from('x')]).toString('base64url')), null)
})

for (const rubbish of ['', 'x', '!!!!', 'null', 'é'.repeat(100), 'A'.repeat(1000)]) {
  test(`"${rubbish.slice(0, 10)}" opens nothing`, () => assert.equal(open('pair', rubbish), null))
}

test('a key is stable: records outlive the process', () => {
  assert.equal(keyOf('credential', 'abc'), createSeal(secret).keyOf('credential', 'abc'))
  // A change here makes every stored record unfindable.
  assert.equal(createSeal('0'.repeat(32)).keyOf('credential', 'abc'), 'hhxUoN42d5ON4stG7gxEV7p6TuJuUycYAArJAfKYewA')
})

test('a key is 43 characters whatever it is of, and tells nothing of it', () => {
  for (const value of ['', 'a', 'x'.repeat(10_000), '\0', '日本'])
    assert.match(keyOf('credential', value), /^[\w-]{43}$/)
  assert.ok(!keyOf('credential', 'session').includes('session'))
})

for (const [what, one, two] of [
  ['values', keyOf('credential', 'a'), keyOf('credential', 'b')],
  ['case', keyOf('credential', 'a'), keyOf('credential', 'A')],
  ['a value and its beginning', keyOf('credential', 'ab'), keyOf('credential', 'a')],
  ['purposes', keyOf('credential', 'a'), keyOf('hint', 'a')],
  ['a purpose that runs into the value', keyOf('hint', 'a'), keyOf('hin', 'ta')],
  ['secrets', keyOf('credential', 'a'), createSeal(`${secret}.`).keyOf('credential', 'a')]
] as const) {
  test(`keys of different ${what} differ`, () => assert.notEqual(one, two))
}

test('different purposes and values have different keys', () => {
  const purpose = fc.constantFrom('credential', 'hint', 'pair')
  const thing = fc.tuple(purpose, fc.string())
  fc.assert(
    fc.property(thing, thing, ([purposeOne, one], [purposeTwo, two]) => {
      const isSame = purposeOne === purposeTwo && one === two
      assert.equal(keyOf(purposeOne, one) === keyOf(purposeTwo, two), isSame)
    })
  )
})

suite('several secrets', async () => {
  const [older, newer] = [secret, `${secret}, and newer`]
  const both = createSeal([newer, older])

  test('the first signs and seals', () => {
    assert.equal(both.keyOf('credential', 'abc'), createSeal(newer).keyOf('credential', 'abc'))
    assert.equal(createSeal(newer).open('pair', both.seal('pair', 'S')), 'S')
    assert.equal(createSeal(older).open('pair', both.seal('pair', 'S')), null)
  })

  test('all verify', () => {
    assert.equal(both.open('pair', createSeal(older).seal('pair', 'S')), 'S')
    assert.equal(both.open('pair', createSeal(`${secret}.`).seal('pair', 'S')), null)
    assert.deepEqual(both.keysOf('credential', 'abc'), [
      createSeal(newer).keyOf('credential', 'abc'),
      createSeal(older).keyOf('credential', 'abc')
    ])
  })
})

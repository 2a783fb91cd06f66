/** Contract sections 5 and 7: in every wire form a call is located, and nothing of it changes but the credential. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import { type System, systemNames } from '../../core/words.ts'
import type { JournalEntry } from '../../simulator/index.ts'
import { hosts, startWorld, type World } from '../build.ts'
import { type Ask, ask, bearer, type Reply } from '../client.ts'
import { assertFrom, clearJournals, moved, type Names, openPair, unmoved } from '../dual.ts'

const host = hosts.admin
const json = 'application/json'
const form = 'application/x-www-form-urlencoded'
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

/** What a call says, before it is put in a form: both texts as the client writes them, byte for byte. */
interface Said {
  readonly name: string
  readonly authInfo: string
  readonly params: string
}

const boundary = 'b0undary'
const part = (name: string, value: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const withType = (type: string, body: string): Ask => ({
  headers: { 'content-type': type },
  // Each character is one byte: some of them are no UTF-8.
  body: Buffer.from(body, 'latin1')
})
const inJson = ({ authInfo, params }: Said) =>
  authInfo === '' ? `{"params" :${params}}\n` : `{ "auth_info":${authInfo},\t"params" :${params}}`

/** A call in each form that the API has. */
const forms: Readonly<Record<string, (said: Said) => Ask>> = {
  JSON: (said) => ({ path: `/rest/${said.name}`, ...withType(json, inJson(said)) }),
  'JSON with a trailing slash': (said) => ({ path: `/rest/${said.name}/`, ...withType(json, inJson(said)) }),
  'JSON in chunks': (said) => {
    const { headers, body } = withType(`${json}; charset=UTF-8`, inJson(said))
    return { path: `/rest/${said.name}`, headers: { ...headers, 'transfer-encoding': 'chunked' }, body }
  },
  'a form': ({ name, authInfo, params }) => {
    const fields = [['lang', 'en'], ...(authInfo === '' ? [] : [['auth_info', authInfo]]), ['params', params]]
    const text = fields.map(([field, value = '']) => `${field}=${encodeURIComponent(value)}`).join('&')
    return { path: `/rest/${name}`, ...withType(form, text) }
  },
  'a form with as little encoding as can be': ({ name, authInfo, params }) => {
    const text = `params=${params.replaceAll('+', '%2B').replaceAll(' ', '+')}&auth_info=${authInfo}`
    return { path: `/rest/${name}`, ...withType(form, text) }
  },
  multipart: ({ name, authInfo, params }) => {
    const fields = `${authInfo === '' ? '' : part('auth_info', authInfo)}${part('params', params)}`
    return {
      path: `/rest/${name}`,
      ...withType(`multipart/form-data; boundary="${boundary}"`, `preamble\r\n${fields}--${boundary}--\r\n`)
    }
  },
  'the URL path': ({ name, authInfo, params }) => ({
    path: `/rest/${name}/${encodeURIComponent(authInfo)}/${encodeURIComponent(params)}`
  }),
  'the raw URL path': ({ name, authInfo, params }) => ({
    path: `/rest/${name}/${authInfo.replaceAll(' ', '')}/${params}`
  }),
  'the URL path with a trailing slash and a query': ({ name, authInfo, params }) => ({
    path: `/rest/${name}/${encodeURIComponent(authInfo)}/${encodeURIComponent(params)}/?x=%31`
  })
}

interface Shown {
  readonly headers?: Record<string, string>
  readonly authInfo?: string
}

/** A session shown in each way that the API has. */
const places: Readonly<Record<string, (names: Names) => Shown>> = {
  'a bearer': ({ access_token: token }) => ({ headers: bearer(token) }),
  'a session id': ({ session_id: id }) => ({ authInfo: `{ "session_id":"${id}"}` }),
  'an access token': ({ access_token: token }) => ({ authInfo: `{"access_token":"${token}"}` }),
  'both in the call': (names) => ({
    authInfo: `{"session_id":"${names.session_id}","access_token":"${names.access_token}"}`
  }),
  cookies: (names) => ({
    headers: { cookie: `a=b; access_token=${names.access_token}; session_id=${names.session_id};c=d` }
  }),
  'all at once': (names) => ({
    headers: {
      ...bearer(names.access_token),
      cookie: `session_id=${names.session_id}; access_token=${names.access_token}`
    },
    authInfo: `{"session_id":"${names.session_id}"}`
  })
}

/** An entity named in each way; the rest of the texts is what no gateway may touch. */
const references: readonly [name: string, method: string, params: (i: number) => string][] = [
  ['i_customer', 'Customer/get_customer_info', (i) => `{"i_customer":${i},"i_xdr":12345678901234567890,"x":1.10}`],
  ['i_customer as text', 'Customer/get_customer_info', (i) => `{"x":1e+2,"i_customer":"${i}"}`],
  [
    'customer_info',
    'Customer/update_customer',
    (i) => `{"customer_info":{"note":"\\u00e9\\/","i_customer":${i}},"x":1.0}`
  ],
  ['i_account', 'Account/get_account_info', (i) => `{"i_account":${i},"x":-0.10}`],
  ['i_account as text', 'Account/get_account_info', (i) => `{"i_account":"${i}"}`],
  ['account_info', 'Account/update_account', (i) => `{"account_info":{"i_account":"${i}"},"x":98765432109876543210}`]
]

/** The call as it is with a session's names. */
function callWith(names: Names, form: string, place: string, { name, params }: Omit<Said, 'authInfo'>): Ask {
  const { headers = {}, authInfo = '' } = places[place]?.(names) ?? {}
  const made = forms[form]?.({ name, authInfo, params })
  return { ...made, headers: { host, ...made?.headers, ...headers } }
}

const headerOf = ({ rawHeaders }: JournalEntry, wanted: string) => {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === wanted)
  return at === -1 ? undefined : rawHeaders[at + 1]
}

/** Asserts that a system has had exactly this, its length told rightly. */
function assertHad(entry: JournalEntry | undefined, wanted: Ask, what: string) {
  assert.ok(entry !== undefined, what)
  const body = Buffer.from(wanted.body ?? '')
  assert.equal(entry.url, wanted.path, what)
  assert.equal(entry.body.toString('latin1'), body.toString('latin1'), what)
  assert.equal(headerOf(entry, 'content-length') ?? '0', String(body.length), what)
  for (const name of ['authorization', 'cookie', 'content-type']) {
    assert.equal(headerOf(entry, name), wanted.headers?.[name], `${what}: ${name}`)
  }
}

type Pair = Awaited<ReturnType<typeof openPair>>
const iOn = (home: System) => (home === 'source' ? unmoved : moved)

/** A session for which the systems need not be asked any more where the entities are. */
async function openKnowing(t: TestContext): Promise<{ world: World; pair: Pair }> {
  const world = await startWorld(t)
  const pair = await openPair(world)
  for (const [, name, paramsOf] of references) {
    for (const home of systemNames) {
      const reply = await ask(
        world.url,
        callWith(pair.onTarget, 'JSON', 'a bearer', { name, params: paramsOf(iOn(home)) })
      )
      assertGood(reply, home, name)
    }
  }
  return { world, pair }
}

/** Sends the call in the client's names: the system of the entity, and nobody else, has it in its own. */
async function assertSwapped(
  { world, pair }: Awaited<ReturnType<typeof openKnowing>>,
  form: string,
  place: string,
  said: Omit<Said, 'authInfo'>,
  home: System
) {
  clearJournals(world)
  const reply = await ask(world.url, callWith(pair.onTarget, form, place, said))
  const what = `${form}, ${place}, ${said.params.slice(0, 100)}, ${home}`
  assertGood(reply, home, what)
  const names = home === 'source' ? pair.onSource : pair.onTarget
  const [entry] = world[home].journal.of(said.name)
  assertHad(entry, callWith(names, form, place, said), what)
  assert.equal(entry?.sessionId, names.session_id, what)
  assert.equal(world.source.journal.count() + world.target.journal.count(), 1, what)
}

function assertGood(reply: Reply, home: System, what: string) {
  assert.equal(reply.status, 200, `${what}: ${reply.text}`)
  assertFrom(reply, home, what)
}

for (const form of Object.keys(forms)) {
  test(`${form}: each way to show the session and to name an entity reaches its system, with nothing else changed`, async (t) => {
    const known = await openKnowing(t)
    for (const place of Object.keys(places)) {
      for (const [, name, paramsOf] of references) {
        for (const home of systemNames) {
          await assertSwapped(known, form, place, { name, params: paramsOf(iOn(home)) }, home)
        }
      }
    }
  })
}

const odd: readonly [name: string, params: (i: number) => string][] = [
  ['odd spaces', (i) => `{ "i_customer"\t:\r\n ${i} ,"a":[ ],"b" : { } } `],
  ['big integers and money', (i) => `{"i_customer":${i},"a":12345678901234567890,"b":1.10,"c":-23.61693,"d":1E-7}`],
  ['keys that come twice', (i) => `{"a":1,"a":2,"i_customer":${i}}`],
  ['escapes', (i) => `{"i_customer":${i},"a":"\\u0041\\/\\"\\u00e9"}`],
  ['an escaped key', (i) => `{"i_\\u0063ustomer":${i}}`],
  ['bytes that are no UTF-8', (i) => `{"i_customer":${i},"a":"Z\u00fcrich \u00ff\u00fe"}`],
  ['what looks like another credential', (i) => `{"i_customer":${i},"a":"${'f'.repeat(32)}"}`],
  ['40,000 characters', (i) => `{"i_customer":${i},"a":"${'y'.repeat(40_000)}"}`],
  ['more than is kept', (i) => `{"i_customer":${i},"a":"${'y'.repeat(200_000)}"}`]
]

for (const form of ['JSON', 'JSON in chunks', 'a form', 'multipart']) {
  test(`${form}: odd bytes go on as they came`, async (t) => {
    const known = await openKnowing(t)
    for (const [, paramsOf] of odd) {
      for (const place of ['a bearer', 'a session id', 'cookies']) {
        for (const home of systemNames) {
          const params = paramsOf(iOn(home))
          await assertSwapped(known, form, place, { name: 'Customer/get_customer_info', params }, home)
        }
      }
    }
  })
}

test('the credential itself may be escaped: it is found all the same', async (t) => {
  const world = await startWorld(t)
  const { onTarget, onSource } = await openPair(world)
  const escaped = (text: string) =>
    [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  const percent = (text: string) => [...text].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')
  const params = `{"i_customer":${unmoved}}`
  const rows: readonly [name: string, make: (names: Names) => Ask][] = [
    [
      'JSON',
      (names) => withType(json, `{"auth_info":{"session_id":"${escaped(names.session_id)}"},"params":${params}}`)
    ],
    ['a form', (names) => withType(form, `auth_info={"session_id":"${percent(names.session_id)}"}&params=${params}`)],
    [
      'the URL path',
      (names) => ({
        path: `/rest/Customer/get_customer_info/{"session_id":"${percent(names.session_id)}"}/${params}`
      })
    ]
  ]
  for (const [what, make] of rows) {
    clearJournals(world)
    const whole = (names: Names): Ask => {
      const { headers, ...made } = make(names)
      return { path: '/rest/Customer/get_customer_info', ...made, headers: { host, ...headers } }
    }
    const reply = await ask(world.url, whole(onTarget))
    assertGood(reply, 'source', what)
    assertHad(world.source.journal.of('Customer/get_customer_info').at(-1), whole(onSource), what)
  }
})

test('a cookie of somebody else that is named like a credential changes nothing in the body', async (t) => {
  const world = await startWorld(t)
  const { onTarget, onSource } = await openPair(world)
  const body = `{"params":{"customer_info":{"i_customer":${unmoved},"note":"${unmoved}"}}}`
  const made = (names: Names): Ask => ({
    path: '/rest/Customer/update_customer',
    headers: { host, 'content-type': json, ...bearer(names.access_token), cookie: `session_id=${unmoved}` },
    body
  })
  const reply = await ask(world.url, made(onTarget))
  const [entry] = world.source.journal.of('Customer/update_customer')
  assert.equal(entry?.body.toString(), body)
  assertGood(reply, 'source', '')
  assert.equal(headerOf(entry as JournalEntry, 'authorization'), `Bearer ${onSource.access_token}`)
})

suite('a large upload', async () => {
  const file = randomBytes(300_000)
  const name = 'Account/upload_something'

  /** Its fields in this order, then the file. */
  function upload(names: Names, order: readonly ('params' | 'auth_info')[], place: 'bearer' | 'auth_info', i: number) {
    const fields = {
      params: part('params', `{"i_account":${i},"x":1.10}`),
      auth_info: place === 'bearer' ? '' : part('auth_info', `{"session_id":"${names.session_id}"}`)
    }
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a b.bin"\r\nContent-Type: application/x-thing\r\n\r\n`
    const body = Buffer.concat([
      Buffer.from(`${order.map((field) => fields[field]).join('')}${head}`),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`)
    ])
    const credential = place === 'bearer' ? bearer(names.access_token) : {}
    const headers = { host, 'content-type': `multipart/form-data; boundary=${boundary}`, ...credential }
    return { headers, body }
  }

  /** Sends a body of which the end follows only once the system has the beginning. */
  async function stream(t: TestContext, { url, source, target }: World, { headers, body }: ReturnType<typeof upload>) {
    const arrival = Promise.race(
      [source, target].map(({ journal }) => journal.next(({ method }) => method === 'upload_something'))
    )
    const { hostname, port } = new URL(url)
    const { promise, resolve, reject } = Promise.withResolvers<{ reply: Reply['json']; to: unknown; status: unknown }>()
    const request = http.request(
      { hostname, port, method: 'POST', path: `/rest/${name}`, headers: { ...headers, 'content-length': body.length } },
      async (response) => {
        const text = (await Array.fromAsync(response)).join('')
        resolve({ reply: () => JSON.parse(text), to: response.headers['x-dispatched-to'], status: response.statusCode })
      }
    )
    request.on('error', reject)
    t.after(() => request.destroy())
    request.write(body.subarray(0, 150_000))
    const entry = await arrival
    assert.equal(entry.bodySha256, '', 'the system has it before the client has sent it all')
    request.end(body.subarray(150_000))
    return { ...(await promise), entry }
  }

  for (const place of ['bearer', 'auth_info'] as const) {
    for (const order of [
      ['params', 'auth_info'],
      ['auth_info', 'params']
    ] as const) {
      for (const home of systemNames) {
        test(`streams to the ${home} by its first fields: ${place}, ${order.join(' then ')}`, async (t) => {
          const world = await startWorld(t)
          const { onTarget, onSource } = await openPair(world)
          const i = home === 'source' ? unmoved : moved
          const { reply, to, status, entry } = await stream(t, world, upload(onTarget, order, place, i))
          assert.equal(status, 200)
          assert.equal(to, home)
          assert.equal(reply().sha256, sha256(file))
          assert.deepEqual(reply().params, { i_account: i, x: 1.1 })
          const names = home === 'source' ? onSource : onTarget
          const wanted = upload(names, order, place, i)
          assert.equal(entry.bodyBytes, wanted.body.length)
          assert.equal(entry.bodySha256, sha256(wanted.body))
          assert.equal(headerOf(entry, 'content-length'), String(wanted.body.length))
          assert.equal(
            headerOf(entry, 'authorization'),
            'authorization' in wanted.headers ? wanted.headers.authorization : undefined
          )
          assert.equal(entry.sessionId, names.session_id)
        })
      }
    }
  }
})

const hidden: readonly [name: string, headers: Record<string, string>, body: Buffer][] = [
  [
    'in UTF-16',
    { 'content-type': `${json}; charset=utf-16le` },
    Buffer.from(`{"params":{"i_customer":${unmoved}}}`, 'utf16le')
  ],
  ['compressed', { 'content-type': 'application/x-thing', 'content-encoding': 'gzip' }, randomBytes(100)]
]
for (const [what, headers, body] of hidden) {
  test(`a body ${what} could hide a credential: it does not go to the source`, async (t) => {
    const world = await startWorld(t)
    const { onTarget } = await openPair(world)
    clearJournals(world)
    const context = { 'x-dispatcher-context': 'source' }
    const reply = await ask(world.url, {
      path: '/rest/Customer/get_customer_info',
      headers: { host, ...bearer(onTarget.access_token), ...headers, ...context },
      body
    })
    assert.equal(reply.status, 400, reply.text)
    assert.equal(world.source.journal.count(), 0)
  })
}

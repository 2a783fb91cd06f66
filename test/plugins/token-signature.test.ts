import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import tokenSignature from '../../plugins/token-signature.ts'

const pair = () => generateKeyPair('RS256', { extractable: true })
const sign = ({ privateKey }: Awaited<ReturnType<typeof pair>>, kid: string) =>
  new SignJWT({ login: 'a' }).setProtectedHeader({ alg: 'RS256', kid }).setExpirationTime('-1h').sign(privateKey)

/** A key server; what it serves can be changed. */
async function startKeyServer(t: TestContext, keys: object[]) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

async function build(t: TestContext, source: string[], target: string[]) {
  const app = Fastify()
  t.after(() => app.close())
  const tls = { insecure: false }
  await app.register(tokenSignature, { source: { keys: source, tls }, target: { keys: target, tls } })
  return app
}

test('keys from a JWKS URL tell the system, of an expired token too', async (t) => {
  const [ours, theirs, nobodys] = await Promise.all([pair(), pair(), pair()])
  const urls = await Promise.all(
    [ours, theirs].map(async ({ publicKey }, at) =>
      startKeyServer(t, [{ ...(await exportJWK(publicKey)), kid: `k${at}`, alg: 'RS256' }])
    )
  )
  const app = await build(t, [urls[0] ?? ''], [urls[1] ?? ''])
  assert.equal(await app.verifyToken(await sign(ours, 'k0')), 'source')
  assert.equal(await app.verifyToken(await sign(theirs, 'k1')), 'target')
  assert.equal(await app.verifyToken(await sign(nobodys, 'k0')), null)
})

test('a key server that is away verifies nothing, and fails nothing', async (t) => {
  const app = await build(t, ['http://127.0.0.1:1/jwks'], [])
  assert.equal(await app.verifyToken(await sign(await pair(), 'k')), null)
})

for (const token of ['', 'x', 'a.b', 'a.b.c', 'a.b.c.d', '..']) {
  test(`"${token}" is signed by nobody`, async (t) => {
    const app = await build(t, ['http://127.0.0.1:1/jwks'], [])
    assert.equal(await app.verifyToken(token), null)
  })
}

test('a token that claims no signature, or a shared secret, is signed by nobody', async (t) => {
  const { publicKey } = await pair()
  const url = await startKeyServer(t, [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }])
  const app = await build(t, [url], [])
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  assert.equal(await app.verifyToken(`${part({ alg: 'none', kid: 'k' })}.${part({ login: 'a' })}.`), null)
  const shared = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(Buffer.alloc(32, 1))
  assert.equal(await app.verifyToken(shared), null)
})

/**
 * Access tokens: RS256 JWTs under a key of this system's own, so that one of another system never verifies here.
 */
import { createSign, createVerify, generateKeyPair, type KeyObject, type KeyPairKeyObjectResult } from 'node:crypto'
import { promisify } from 'node:util'
import { isJsonObject, type JsonObject } from './exact-json.ts'

/** `foreign` also covers a broken signature: both are somebody else's token. */
export type TokenReading = { kind: 'ours'; claims: JsonObject } | { kind: 'foreign' } | { kind: 'unreadable' }

export interface Tokens {
  readonly publicKey: string
  issue(claims: JsonObject): string
  read(token: string): TokenReading
}

const header = encode({ alg: 'RS256', typ: 'JWT' })

export type SigningKey = KeyPairKeyObjectResult

export const createSigningKey = (): Promise<SigningKey> => promisify(generateKeyPair)('rsa', { modulusLength: 2048 })

export function createTokens({ privateKey, publicKey }: SigningKey): Tokens {
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    issue(claims) {
      const signed = `${header}.${encode(claims)}`
      return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`
    },
    read: (token) => readToken(token, publicKey)
  }
}

function readToken(token: string, key: KeyObject): TokenReading {
  const [head, payload, signature, ...more] = token.split('.')
  if (head === undefined || payload === undefined || signature === undefined || more.length > 0) {
    return { kind: 'unreadable' }
  }
  const claims = decode(payload)
  const algorithm = decode(head)?.alg
  if (claims === null || algorithm === undefined) return { kind: 'unreadable' }
  // Only one algorithm is ever accepted: a token does not choose how it is verified.
  if (algorithm !== 'RS256') return { kind: 'foreign' }
  const isOurs = createVerify('RSA-SHA256').update(`${head}.${payload}`).verify(key, signature, 'base64url')
  return isOurs ? { kind: 'ours', claims } : { kind: 'foreign' }
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isJsonObject(value) ? value : null
  } catch {
    return null
  }
}

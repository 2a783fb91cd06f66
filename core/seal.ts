/**
 * Keyed hashes and encryption at rest, all derived from the deployment's `secret` (architecture.md, decisions taken).
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const ivBytes = 12
const tagBytes = 16

/** One secret, or several: the first signs and seals, all of them are tried at reading, so that secrets can be rotated. */
export type Secrets = string | readonly string[]

export interface Seal {
  /** A store key for a credential, a login or the like: HMAC-SHA256 of the whole value, base64url. */
  keyOf(purpose: string, value: string): string
  /** The same by each of the secrets, the first one's first: under one of these it may have been kept. */
  keysOf(purpose: string, value: string): readonly string[]
  /** AES-256-GCM with a fresh IV; `purpose` is bound in, so that a sealed text cannot be put to another use. */
  seal(purpose: string, text: string): string
  /** The text again; null for one that was changed, or sealed with another secret or for another purpose. */
  open(purpose: string, sealed: string): string | null
}

/** One key for each use, so that neither tells anything about the other (RFC 5869). */
const keyFor = (secret: string, use: string) => Buffer.from(hkdfSync('sha256', secret, '', `webdispatcher ${use}`, 32))

/** The keys of a use of one's own, as texts: the first one signs, all of them verify. */
export const keysFor = (secrets: Secrets, use: string): string[] =>
  [secrets].flat().map((secret) => keyFor(secret, use).toString('base64url'))

const keysFrom = (secret: string) => ({ hash: keyFor(secret, 'store keys'), seal: keyFor(secret, 'sealed values') })

function openBy(key: Buffer, purpose: string, bytes: Buffer): string | null {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-tagBytes))
  try {
    return decipher.update(bytes.subarray(ivBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return null
  }
}

export function createSeal(secrets: Secrets): Seal {
  const all = [secrets].flat().map(keysFrom)
  const [first] = all
  if (first === undefined) throw new Error('A seal needs a secret')
  const keyBy = (hashKey: Buffer, purpose: string, value: string) =>
    createHmac('sha256', hashKey).update(`${purpose}\0${value}`).digest('base64url')

  return {
    keyOf: (purpose, value) => keyBy(first.hash, purpose, value),
    keysOf: (purpose, value) => all.map(({ hash }) => keyBy(hash, purpose, value)),

    seal(purpose, text) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', first.seal, iv).setAAD(Buffer.from(purpose))
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return sealed.toString('base64url')
    },

    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < ivBytes + tagBytes) return null
      for (const { seal } of all) {
        const text = openBy(seal, purpose, bytes)
        if (text !== null) return text
      }
      return null
    }
  }
}

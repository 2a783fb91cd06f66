/**
 * token-signature
 * Adds  `app.verifyToken`: which system signed an access token, by the systems' `keys`.
 * Needs nothing.
 * Off   where no system has `keys`: no token tells its home by itself.
 */
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createRemoteJWKSet, customFetch, type FetchImplementation } from 'jose/jwks/remote'
import { type CompactVerifyGetKey, compactVerify } from 'jose/jws/compact/verify'
import { Agent, fetch } from 'undici'
import { type System, systemNames } from '../core/words.ts'

export interface SystemKeys {
  /** PEM files and JWKS URLs. */
  readonly keys: string | readonly string[]
  readonly tls: { readonly ca?: string; readonly insecure: boolean }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The system whose key verifies the token's signature, expired or not; null when none does. */
    verifyToken(token: string): Promise<System | null>
  }
}

/** Asymmetric ones alone: with HS256 anybody who has the public key could sign. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
/** A key server gets this long before a token is asked about instead, ms. */
const jwksTimeoutMs = 2000

const looksSigned = /^[\w-]+\.[\w-]+\.[\w-]+$/

async function tokenSignature(app: FastifyInstance, options: Readonly<Record<System, SystemKeys>>) {
  const agents: Agent[] = []

  function keysOf({ keys, tls }: SystemKeys): CompactVerifyGetKey[] {
    return [keys].flat().map((place) => {
      if (!/^https?:/i.test(place)) {
        const key = createPublicKey(readFileSync(place))
        return () => key
      }
      const ca = tls.ca === undefined ? {} : { ca: readFileSync(tls.ca, 'utf8') }
      const dispatcher = new Agent({ connect: { rejectUnauthorized: !tls.insecure, ...ca } })
      agents.push(dispatcher)
      const fetchKeys = (url: string, init: object) => fetch(url, { ...init, dispatcher })
      return createRemoteJWKSet(new URL(place), {
        timeoutDuration: jwksTimeoutMs,
        [customFetch]: fetchKeys as unknown as FetchImplementation
      })
    })
  }

  const signers = systemNames.flatMap((system) => keysOf(options[system]).map((key) => ({ system, key })))

  app.decorate('verifyToken', async function verifyToken(token: string) {
    if (signers.length === 0 || !looksSigned.test(token)) return null
    for (const { system, key } of signers) {
      try {
        await compactVerify(token, key, { algorithms })
        return system
      } catch (error) {
        // Another system's token, or a key server that is away: then the systems are asked.
        app.log.debug({ system, code: (error as { code?: unknown }).code }, 'a token was not verified by this key')
      }
    }
    return null
  })

  app.addHook('onClose', async function closeAgents() {
    await Promise.all(agents.map((agent) => agent.destroy()))
  })
}

export default fp(tokenSignature, { name: 'token-signature', fastify: '5.x' })

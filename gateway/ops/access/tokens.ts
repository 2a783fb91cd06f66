/**
 * The ops token: shown and compared. Wrong ones are slowed, so that nobody can guess it: each is answered late, and an
 * address that has shown several is not heard for a while. No other address waits for that.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { LRUCache } from 'lru-cache'
import { Fault } from '../../../core/faults.ts'

/** Wrong tokens of one address in a window, until it is not heard any more. */
export const mostWrong = 5
const usual = {
  /** How late a wrong token is answered, ms. */
  pauseMs: 1000,
  windowMs: 60_000,
  /** Answers that are late at once; more are given without a pause. */
  mostHeld: 100,
  /** Addresses that are remembered. */
  mostAddresses: 10_000
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Equal time for any wrong text, whatever its length. */
export const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))

/** Who counts as one: an IPv4 address; of IPv6 a network of 64 bits, which is the least that anybody has. */
export function networkOf(address: string): string {
  const [, mapped] = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address) ?? []
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = [], tail] = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  if (tail === undefined) return head.slice(0, 4).join(':')
  const zeros = new Array(Math.max(8 - head.length - tail.length, 0)).fill('0')
  return [...head, ...zeros, ...tail].slice(0, 4).join(':')
}

/** What an Authorization header shows as a token; nothing that could be one where it is of another scheme. */
export const bearerIn = (authorization: string) => /^bearer +(.+)$/i.exec(authorization)?.[1] ?? ''

/** Resolves to whether the token is right, late for a wrong one; throws `too_many_tokens` without having looked at it. */
export type IsRightToken = (shown: string, address: string) => Promise<boolean>

export function createTokenCheck(
  token: string,
  log: Pick<FastifyBaseLogger, 'warn'>,
  limits: Partial<typeof usual> = {}
): IsRightToken {
  const { pauseMs, windowMs, mostHeld, mostAddresses } = { ...usual, ...limits }
  const wrong = new LRUCache<string, { count: number }>({
    maxSize: mostAddresses,
    sizeCalculation: () => 1,
    ttl: windowMs
  })
  let held = 0

  function noteWrong(address: string) {
    const key = networkOf(address)
    const seen = wrong.get(key) ?? { count: 0 }
    seen.count++
    // The window begins with the first.
    if (seen.count === 1) wrong.set(key, seen)
    if (seen.count === mostWrong) log.warn({ address }, 'wrong ops tokens: the address is not heard for a while')
  }

  async function pause() {
    if (held >= mostHeld) return
    held++
    await delay(pauseMs)
    held--
  }

  return async function isRightToken(shown, address) {
    const key = networkOf(address)
    if ((wrong.get(key)?.count ?? 0) >= mostWrong) {
      throw new Fault('too_many_tokens', '', { retryAfter: Math.max(Math.ceil(wrong.getRemainingTTL(key) / 1000), 1) })
    }
    if (isSame(shown, token)) return true
    // Counted before it is answered: those that come meanwhile are not looked at either.
    noteWrong(address)
    await pause()
    return false
  }
}

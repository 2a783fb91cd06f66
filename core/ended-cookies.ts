/**
 * Whether an answer takes a session out of a browser: by ending the cookies that hold it (RFC 6265 section 5.3).
 */
import { cookieName } from './public-names.ts'

/** Ended, or left without a value, which proves nothing any more. Max-Age counts before Expires. */
function endsCookie(cookie: string, now: number): boolean {
  const [pair = '', ...attributes] = cookie.split(';')
  if (pair.slice(pair.indexOf('=') + 1).trim() === '') return true
  const last = (wanted: RegExp) => attributes.findLast((one) => wanted.test(one))?.replace(wanted, '')
  const maxAge = last(/^\s*max-age\s*=\s*/i)
  if (maxAge !== undefined && /^-?\d+\s*$/.test(maxAge)) return Number(maxAge) <= 0
  const expires = Date.parse(last(/^\s*expires\s*=\s*/i) ?? '')
  return expires <= now
}

/** True when each of these cookies is ended; of several words on one cookie the last counts. */
export function endsCookies(
  setCookies: string | readonly string[],
  names: readonly string[],
  now: number = Date.now()
): boolean {
  const cookies = typeof setCookies === 'string' ? [setCookies] : setCookies
  return names.every((name) => {
    const last = cookies.findLast((cookie) => cookieName(cookie) === name)
    return last !== undefined && endsCookie(last, now)
  })
}

/**
 * Numbers and times as the page writes them.
 */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** Nobody has measured it. */
export const unknown = '–'

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value)

/** With a thin space between thousands: a comma is somebody's decimal point. */
export const count = (value) => (isNumber(value) ? whole.format(value).replaceAll(',', '\u202f') : unknown)

/** Per second. */
export function rate(value) {
  if (!isNumber(value)) return unknown
  return value < 10 && !Number.isInteger(value) ? tenths.format(value) : count(value)
}

/** [number, unit] of so many ms. */
export function duration(ms) {
  if (!isNumber(ms)) return [unknown, '']
  if (ms >= 9950) return [count(ms / 1000), 's']
  if (ms >= 1000) return [tenths.format(ms / 1000), 's']
  if (ms > 0 && ms < 0.05) return ['< 0.1', 'ms']
  return [ms < 10 && ms > 0 ? tenths.format(ms) : count(ms), 'ms']
}

export const durationText = (ms) => duration(ms).join('\u00a0').trim()

export const percent = (part, all) => (all > 0 ? `${Math.round((100 * part) / all)}\u00a0%` : unknown)

const two = (value) => String(value).padStart(2, '0')
const dayOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

/** In the reader's own time zone; the day only where it is another one. */
export function clock(at, now = Date.now()) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return unknown
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return dayOf(date) === dayOf(new Date(now)) ? time : `${dayOf(date)} ${time}`
}

export const minute = (at) => clock(at).slice(-8, -3)

/** About how long; the larger unit alone. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds}\u00a0s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes}\u00a0min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours}\u00a0h` : `${Math.round(hours / 24)}\u00a0d`
}

export const plural = (number, one, many = `${one}s`) => `${count(number)}\u00a0${number === 1 ? one : many}`

/**
 * How many processes share the listeners.
 */
import { availableParallelism } from 'node:os'

export type Workers = number | 'auto'

/** What --workers says; null where it says nothing that can be obeyed. */
export function readWorkers(text: string): Workers | null {
  if (text === 'auto') return text
  return /^[1-9]\d{0,2}$/.test(text) ? Number(text) : null
}

/** One alone needs nobody who looks after it; `auto` has somebody also where it is one. */
export const isSupervised = (workers: Workers): boolean => workers !== 1

export const countOf = (workers: Workers): number => (workers === 'auto' ? availableParallelism() : workers)

/**
 * Whether everything is there that a fleet is made of; says so where it is not.
 */
import { missingPrograms } from './topology.ts'

export function isComplete(): boolean {
  const missing = missingPrograms()
  if (missing.length === 0) return true
  process.stderr.write(`${missing.join(' and ')} cannot be found: apt-get install haproxy redis-server\n`)
  return false
}

/**
 * Which backend the config's `store` names.
 */
import type { Backend } from './backend.ts'
import { createMemoryBackend } from './memory.ts'

export function createBackend(place: string, _onTrouble: (error: unknown) => void): Backend {
  if (place === 'memory') return createMemoryBackend()
  throw new Error(`${place} is no store`)
}

/**
 * Which backend the config's `store` names.
 */
import type { Backend } from './backend.ts'
import { createFileBackend } from './file.ts'
import { createMemoryBackend } from './memory.ts'
import { storePlace } from './place.ts'
import { createRedisBackend } from './redis.ts'

/** `onTrouble` is told of each failure of a connection. */
export function createBackend(text: string, onTrouble: (error: Error) => void): Backend {
  const place = storePlace(text)
  if (place.kind === 'memory') return createMemoryBackend()
  return place.kind === 'file' ? createFileBackend(place.path) : createRedisBackend(text, { onTrouble })
}

/**
 * Which backend the config's `store` names. Only that one is loaded.
 */
import type { Backend } from './backend.ts'
import { createMemoryBackend } from './memory.ts'
import { storePlace } from './place.ts'

/** `onTrouble` is told of each failure of a connection. */
export async function createBackend(text: string, onTrouble: (error: Error) => void): Promise<Backend> {
  const place = storePlace(text)
  if (place.kind === 'memory') return createMemoryBackend()
  if (place.kind === 'file') return (await import('./file/index.ts')).createFileBackend(place.path)
  return (await import('./redis/index.ts')).createRedisBackend(text, { onTrouble })
}

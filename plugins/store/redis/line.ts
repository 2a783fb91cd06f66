/**
 * Opens a line to Redis in whichever form the place has.
 */
import type { Line, LineOptions } from './client.ts'
import { openCluster } from './cluster.ts'
import { findMaster, watchMaster } from './sentinels.ts'
import { openSingle } from './single.ts'

/** Connects and subscribes; rejects when that takes more than a few seconds. */
export async function openLine(options: LineOptions): Promise<Line> {
  const { place } = options
  if (place.form === 'cluster') return openCluster(options)
  if (place.form === 'single') return openSingle(place.hosts[0], options)
  const master = await findMaster(place)
  const line = await openSingle(master, options)
  watchMaster(place, master, line)
  return line
}

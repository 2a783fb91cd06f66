/**
 * Ends the fleet's processes when whoever started them is gone, however it ended. It is told of each process group that
 * begins and ends, and knows the folder that nobody needs afterwards.
 */
import { rmSync } from 'node:fs'
import { endGroup, type Told } from './keeping.ts'

const groups = new Set<number>()
const folder = process.argv[2] ?? ''

process.on('message', ({ begun, ended }: Told) => {
  if (begun !== undefined) groups.add(begun)
  if (ended !== undefined) groups.delete(ended)
})
process.once('disconnect', () => {
  for (const group of groups) endGroup(group)
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})
// The terminal's signals are for whoever started the fleet, and so are those of a process manager.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

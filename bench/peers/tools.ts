/**
 * Programs of others that a benchmark needs, and a port for them.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The program of PATH; null when there is none. */
export function findTool(name: string): string | null {
  // Debian has some for administrators where not everybody looks.
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  const isThere = (file: string) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  }
  return directories.map((directory) => join(directory, name)).find(isThere) ?? null
}

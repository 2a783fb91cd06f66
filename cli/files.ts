/**
 * Files that a command is given.
 */
import { readFileSync } from 'node:fs'
import { CommandError } from './errors.ts'

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CommandError('usage', `${file} cannot be read (${code})`, { cause })
  }
}

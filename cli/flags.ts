/**
 * Flags that every command takes, and how a command line is read.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { wrongUsage } from './errors.ts'

export const commonFlags = {
  ops: { type: 'string' },
  'token-file': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
} as const

type Flags = NonNullable<ParseArgsConfig['options']>

/** Flags and words; a flag that is not known, or has no value, is wrong usage. */
export function readArguments<const Own extends Flags>(args: readonly string[], own: Own) {
  try {
    return parseArgs({
      args: [...args],
      options: { ...commonFlags, ...own },
      allowPositionals: true,
      strict: true
    })
  } catch (error) {
    throw wrongUsage((error as Error).message)
  }
}

/**
 * The version of this release.
 */
import { readFileSync } from 'node:fs'

export function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

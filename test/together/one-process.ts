/**
 * Runs a group's test files in this process, one after the other: a file is a test, whose subtests are the file's own. What
 * a file has opened is closed before the next one is loaded.
 */
import { test } from 'node:test'
import { type GroupName, membersOf } from './groups.ts'

export function runTogether(name: GroupName): void {
  for (const path of membersOf(name)) {
    test(`test/${path}`, async () => {
      await import(`../${path}`)
    })
  }
}

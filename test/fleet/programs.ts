/**
 * Tests that need a program which not everybody has: without it they are named as left out, and under CI they fail.
 */
import { missingPrograms } from '../../fleet/topology.ts'

const missing = missingPrograms()

/** For the `skip` option of a test. */
export const withoutPrograms: string | false =
  missing.length > 0 && !process.env.CI ? `not run: the path has no ${missing.join(' and no ')}` : false

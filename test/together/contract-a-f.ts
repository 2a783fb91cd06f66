/** The first tests of the contract, and the regressions, in one process. */
import { runTogether } from './one-process.ts'

runTogether('contract-a-f')

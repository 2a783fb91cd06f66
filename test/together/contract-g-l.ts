/** More tests of the contract, in one process. */
import { runTogether } from './one-process.ts'

runTogether('contract-g-l')

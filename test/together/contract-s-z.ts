/** The last tests of the contract, in one process. */
import { runTogether } from './one-process.ts'

runTogether('contract-s-z')

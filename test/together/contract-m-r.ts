/** The tests of the contract from `malformed` to `retries`, in one process. */
import { runTogether } from './one-process.ts'

runTogether('contract-m-r')

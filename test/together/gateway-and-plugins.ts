/** The tests of `gateway/` and `plugins/`, in one process. */
import { runTogether } from './one-process.ts'

runTogether('gateway-and-plugins')

/** The tests of `simulator/`, in one process. */
import { runTogether } from './one-process.ts'

runTogether('simulator')

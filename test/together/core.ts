/** The tests of `core/`, in one process. */
import { runTogether } from './one-process.ts'

runTogether('core')

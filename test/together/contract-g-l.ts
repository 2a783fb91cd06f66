import { runTogether } from './one-process.ts'

runTogether('contract-g-l')

import { runTogether } from './one-process.ts'

runTogether('contract-a-f')

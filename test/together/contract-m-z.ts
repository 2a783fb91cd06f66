import { runTogether } from './one-process.ts'

runTogether('contract-m-z')

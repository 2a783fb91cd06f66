import { runTogether } from './one-process.ts'

runTogether('simulator')

import { runTogether } from './one-process.ts'

runTogether('gateway-and-plugins')

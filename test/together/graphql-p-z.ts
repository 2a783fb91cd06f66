import { runTogether } from './one-process.ts'

runTogether('graphql-p-z')

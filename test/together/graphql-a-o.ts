import { runTogether } from './one-process.ts'

runTogether('graphql-a-o')

/** The first tests of the GraphQL view, in one process. */
import { runTogether } from './one-process.ts'

runTogether('graphql-a-o')

/**
 * The options of the graphql plugin.
 */
import { type Static, Type } from '../core/schema.ts'
import type { KnownQueries } from './known-queries.ts'

const Strict = { additionalProperties: false } as const
const most = (otherwise: number, description: string) => Type.Integer({ minimum: 1, default: otherwise, description })

export const usualPath = '/graphql'

export const GraphqlOptions = Type.Object(
  {
    path: Type.String({ format: 'prefix', default: usualPath, description: 'Where the view is served.' }),
    limits: Type.Object(
      {
        depth: most(8, 'Fields below the operation, fragments expanded; edges, nodes and pageInfo do not count.'),
        nodesPerConnection: most(500, 'Rows of one page.'),
        nodes: most(10_000, 'Rows that a request may ask for, all of its operations together.'),
        aliases: most(15, 'Renamed fields, fragments expanded.'),
        batch: most(10, 'Operations of one request.'),
        queryBytes: most(65_536, 'Bytes of query text.'),
        subscriptions: most(20, 'Subscriptions of one connection.')
      },
      { ...Strict, default: {}, description: 'What one request may ask for.' }
    ),
    introspection: Type.Optional(
      Type.Boolean({ description: 'Whether the schema can be asked for; by default not in production (NODE_ENV).' })
    ),
    graphiql: Type.Optional(
      Type.Boolean({ description: 'Whether GraphiQL is served; by default not in production (NODE_ENV).' })
    ),
    persistedQueries: Type.Optional(
      Type.String({
        format: 'file',
        description: 'A JSON file of known queries by their SHA-256; in production no others run then.'
      })
    ),
    inFlight: most(8, 'Calls to the systems that one request may have under way.'),
    sessionCheck: Type.Integer({
      minimum: 1000,
      default: 30_000,
      description: 'How often the session of a connection with subscriptions is looked at again, ms.'
    }),
    statusInterval: Type.Integer({
      minimum: 100,
      default: 5000,
      description: 'How often systemStatus tells of both systems when nothing changes, ms.'
    })
  },
  Strict
)

export interface GraphqlSetting extends Static<typeof GraphqlOptions> {
  /** The path under which the systems have their services. */
  readonly restPrefix: string
  /** Bytes of a request's body. */
  readonly bodyLimit: number
  readonly isProduction: boolean
  /** Null where there is no file of them. */
  readonly knownQueries: KnownQueries | null
}

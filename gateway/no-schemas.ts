/**
 * For an app none of whose routes has a schema, as ours have none: Fastify loads its compilers of schemas, a hundred files,
 * where it is not told of others.
 */
function refuse(): never {
  throw new Error('A route has a schema, and what compiles it was not loaded')
}

export const noSchemas = { compilersFactory: { buildValidator: refuse, buildSerializer: refuse } }

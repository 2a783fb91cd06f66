/**
 * Lists of the GraphQL view as tests compare them: read whole by their cursors, every digit as it came.
 */
import assert from 'node:assert/strict'
import { isJsonObject, type JsonObject, parseJson } from '../../simulator/exact-json.ts'
import { type GraphqlWorld, post } from './client.ts'

/** A list's field: its own arguments, and the field that it hangs on. */
export interface ListField {
  readonly name: string
  readonly args?: string
  /** Such as `customer(iCustomer: 3)`. */
  readonly of?: string
}

/** Numbers that JavaScript would write in another way are kept as they are written. */
export async function askExactly(world: GraphqlWorld, query: string, variables: object = {}): Promise<JsonObject> {
  const reply = await post(world.url, { query, variables }, { token: world.session.accessToken })
  const { data, errors } = parseJson(reply.text) as { data: JsonObject; errors?: unknown }
  assert.equal(errors, undefined, `${query}\n${reply.text.slice(0, 1000)}`)
  return data
}

export interface Connection {
  readonly nodes: readonly JsonObject[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean; readonly endCursor: string }
  readonly missing: readonly string[]
}

export interface Wanted {
  readonly selection: string
  readonly first: number
  readonly after?: string | null
}

/** One page, to which all systems have given their parts. */
export async function pageOf(
  world: GraphqlWorld,
  { name, args = '', of }: ListField,
  { selection, first, after = null }: Wanted
): Promise<Connection> {
  const field = `list: ${name}(first: $first, after: $after, ${args}) {
    nodes { ${selection} } pageInfo { hasNextPage hasPreviousPage endCursor } missing
  }`
  const query = `query ($first: Int, $after: String) { ${of === undefined ? field : `of: ${of} { ${field} }`} }`
  const data = await askExactly(world, query, { first, after })
  const { list } = isJsonObject(data.of) ? data.of : data
  const page = list as Connection
  assert.deepEqual(page.missing, [])
  assert.equal(page.pageInfo.hasPreviousPage, after !== null)
  return page
}

/** All nodes of a list, by pages of `first`. */
export async function nodesOf(
  world: GraphqlWorld,
  field: ListField,
  { selection = 'system raw', first = 200 }: Partial<Wanted> = {}
): Promise<JsonObject[]> {
  const all: JsonObject[] = []
  let after: string | null = null
  for (let hasNextPage = true; hasNextPage; ) {
    const { nodes, pageInfo }: Connection = await pageOf(world, field, { selection, first, after })
    all.push(...nodes)
    after = pageInfo.endCursor
    hasNextPage = pageInfo.hasNextPage
    assert.ok(nodes.length === first || !hasNextPage)
  }
  return all
}

/** Records as their texts. */
export const rawTexts = (nodes: readonly JsonObject[]): string[] => nodes.map(({ raw }) => JSON.stringify(raw))

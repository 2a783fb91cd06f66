/**
 * Whether a request asks for too much, told before anything runs: a pure function of its operations, a schema and limits.
 */
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type ParseOptions,
  parse
} from 'graphql'
import { LRUCache } from 'lru-cache'
import { countless, type Figures, figuresOf, none, together, type Variables } from './figures.ts'
import { readSelection, type Selection } from './selection.ts'

export interface Limits {
  /** Fields below the operation, fragments expanded; `edges`, `nodes`, `pageInfo` and introspection do not count. */
  readonly depth: number
  /** The largest `first`. */
  readonly nodesPerConnection: number
  /** Estimated, over the whole batch, as are the others below. */
  readonly nodes: number
  /** Fragments expanded. */
  readonly aliases: number
  readonly batch: number
  /** UTF-8, all texts together. */
  readonly queryBytes: number
}

export interface Operation {
  readonly query: string
  readonly variables?: Variables | null
  readonly operationName?: string | null
}

/** What is known of an operation; nothing of one that GraphQL will refuse, or that was not looked at. */
export interface Judged {
  readonly name: string | null
  readonly type: Selection['type'] | null
  /** `Type.field` of every field, and `Type.field/child` of what is selected of a connection itself. */
  readonly selected: ReadonlySet<string>
}

export interface Verdict {
  /** Which limit, its value and what was found; null when the request is within all of them. */
  readonly tooComplex: string | null
  readonly operations: readonly Judged[]
}

const unknown: Judged = { name: null, type: null, selected: new Set() }

/** Too large to be read at all: what that is depends on the texts alone. */
function excessOfText(operations: readonly Operation[], limits: Limits): string | null {
  if (operations.length > limits.batch)
    return `The batch has ${operations.length} operations, the limit is ${limits.batch}`
  const bytes = operations.reduce((total, { query }) => total + Buffer.byteLength(query), 0)
  return bytes > limits.queryBytes ? `The query text has ${bytes} bytes, the limit is ${limits.queryBytes}` : null
}

const told = (found: number) => (found < countless ? found : 'countless')

function excessOf({ depth, asked, aliases, nodes }: Figures, limits: Limits): string | null {
  if (depth > limits.depth) return `The query is ${depth} fields deep, the limit is ${limits.depth}`
  if (asked !== null && asked.first > limits.nodesPerConnection)
    return `${asked.field} is asked for ${told(asked.first)} nodes, the limit is ${limits.nodesPerConnection} per connection`
  if (aliases > limits.aliases) return `The request has ${told(aliases)} aliases, the limit is ${limits.aliases}`
  if (nodes > limits.nodes) return `The request may bring ${told(nodes)} nodes, the limit is ${limits.nodes}`
  return null
}

/** Whether mercurius would take the text for a document that somebody has parsed already, and run it unmeasured. */
function isTree(query: string): boolean {
  try {
    const tree: unknown = JSON.parse(query)
    return typeof tree === 'object' && tree !== null && 'kind' in tree
  } catch {
    return false
  }
}

/** Hardly a text has more than one token in four bytes; what is denser takes long to parse. */
const tokensOf = ({ queryBytes }: Limits) => Math.max(1000, Math.ceil(queryBytes / 4))

/** What was found in a text: its selection, null where GraphQL will refuse it, or why it cannot be measured. */
type Found = Selection | null | { readonly tooComplex: string }

/** A text that is not GraphQL is GraphQL's to refuse, unless the reason is that there is too much of it. */
function foundAfter(error: unknown, query: string, limits: Limits): Found {
  // The stack ended: the parser calls itself for each level, and so does the reading of fragments.
  if (error instanceof RangeError)
    return { tooComplex: `The query nests deeper than can be read, the limit is ${limits.depth} fields` }
  if (!(error instanceof GraphQLError)) throw error
  if (error.message.endsWith('Parsing aborted.'))
    return { tooComplex: `The query text has more tokens than the limit of ${tokensOf(limits)}` }
  return isTree(query) ? { tooComplex: 'The query is a document tree, only GraphQL text can be measured' } : null
}

/** The operation that runs: the named one, or the only one. Null when GraphQL will find none either. */
function operationOf(document: DocumentNode, name: string | null): OperationDefinitionNode | null {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  if (name !== null) return operations.find((operation) => operation.name?.value === name) ?? null
  return operations.length === 1 ? (operations[0] ?? null) : null
}

function find(schema: GraphQLSchema, query: string, name: string | null, limits: Limits): Found {
  const options: ParseOptions = { noLocation: true, maxLexicalTokens: tokensOf(limits) }
  try {
    const document = parse(query, options)
    const operation = operationOf(document, name)
    return operation && readSelection(schema, document, operation, limits.nodesPerConnection)
  } catch (error) {
    return foundAfter(error, query, limits)
  }
}

/** What is remembered of a text grows with the text, hence the bound on all their characters. */
const createMemory = () =>
  new LRUCache<string, Selection>({ max: 500, maxSize: 1 << 20, sizeCalculation: (_selection, key) => key.length })

export function createLimits(schema: GraphQLSchema, limits: Limits) {
  const memory = createMemory()

  /** What the operations ask for together. */
  function judge(operations: readonly Operation[]): Verdict {
    const judged = operations.map(() => unknown)
    const tooMuchText = excessOfText(operations, limits)
    if (tooMuchText !== null) return { tooComplex: tooMuchText, operations: judged }
    const fresh: [string, Selection][] = []
    let figures = none
    for (const [index, { query, variables, operationName = null }] of operations.entries()) {
      // No operation's name has a line break, so nothing that can run has the key of something else.
      const key = `${operationName ?? ''}\n${query}`
      const known = memory.get(key)
      const found = known ?? find(schema, query, operationName, limits)
      if (found === null) continue
      if ('tooComplex' in found) return { tooComplex: found.tooComplex, operations: judged }
      figures = together(figures, figuresOf(found, variables ?? {}))
      if (!found.isSound) continue
      judged[index] = { name: found.name, type: found.type, selected: found.selected }
      if (known === undefined) fresh.push([key, found])
    }
    const tooComplex = excessOf(figures, limits)
    if (tooComplex === null) for (const [key, selection] of fresh) memory.set(key, selection)
    return { tooComplex, operations: judged }
  }

  return { judge }
}

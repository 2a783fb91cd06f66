/**
 * What an operation may cost, in figures. Its text alone tells all but the nodes, for which a request's variables are put
 * into a few short steps.
 */

/** No figure is larger, so that no product becomes Infinity and nothing NaN. */
export const countless = Number.MAX_SAFE_INTEGER
export const plus = (a: number, b: number) => Math.min(countless, a + b)
/** Rows cannot be fewer than none: the resolvers refuse a negative `first`. */
export const clamped = (count: number) => Math.min(countless, Math.max(0, count))

/** A `first` that the client has given, and to which field. */
export interface Asked {
  readonly field: string
  readonly first: number
}

export interface Figures {
  /** Fields below the operation; `edges`, `nodes`, `pageInfo` and what introspection asks do not count. */
  readonly depth: number
  readonly aliases: number
  /** Of all connections: `first` times one and what is below each node. `edges` and `nodes` are the same nodes. */
  readonly nodes: number
  /** The largest; null when every connection has its default. */
  readonly asked: Asked | null
}

export type Variables = Readonly<Record<string, unknown>>

/** A connection's `first`: written down, or a variable. */
export interface First {
  readonly field: string
  readonly variable: string | null
  /** What is written down, or the variable's own default; null when that is no number. */
  readonly preset: number | null
  /** The argument's default. */
  readonly usual: number
}

/** A connection, or with `first` null several parts under one number. `below` are the numbers of earlier steps. */
export interface Step {
  readonly first: First | null
  readonly below: readonly number[]
}

export interface Measured {
  readonly depth: number
  readonly aliases: number
  readonly steps: readonly Step[]
  /** Those steps that are below no other one. */
  readonly last: readonly number[]
}

const larger = (a: Asked | null, b: Asked | null) => (a === null || (b !== null && b.first > a.first) ? b : a)

/** Null when the client gives no number. Other types are for validation to refuse: here the default counts. */
function givenFor({ variable, preset }: First, variables: Variables): number | null {
  if (variable === null || !Object.hasOwn(variables, variable)) return preset
  const value = variables[variable]
  return typeof value === 'number' && Number.isInteger(value) ? clamped(value) : null
}

const totalOf = (steps: readonly number[], values: readonly number[]) =>
  steps.reduce((total, step) => plus(total, values[step] ?? 0), 0)

export function figuresOf({ depth, aliases, steps, last }: Measured, variables: Variables): Figures {
  let asked: Asked | null = null
  const values: number[] = []
  for (const { first, below } of steps) {
    const given = first && givenFor(first, variables)
    if (first !== null && given !== null) asked = larger(asked, { field: first.field, first: given })
    const perNode = totalOf(below, values)
    values.push(first === null ? perNode : (given ?? first.usual) * plus(1, perNode))
  }
  return { depth, aliases, nodes: totalOf(last, values), asked }
}

/** Of nothing, and of operations that run together. */
export const none: Figures = { depth: 0, aliases: 0, nodes: 0, asked: null }
export const together = (a: Figures, b: Figures): Figures => ({
  depth: Math.max(a.depth, b.depth),
  aliases: plus(a.aliases, b.aliases),
  nodes: plus(a.nodes, b.nodes),
  asked: larger(a.asked, b.asked)
})

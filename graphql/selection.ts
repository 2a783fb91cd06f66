/**
 * What one operation selects, read once per text. A fragment is read once however often it is spread, so fragments that
 * multiply cost their text. What validation will refuse (unknown fields, fragments in a circle) is read as far as it can
 * be, and is not `isSound`. Fields count whether or not `@skip` and `@include` leave them in.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  type ValueNode
} from 'graphql'
import { clamped, type First, type Measured, plus, type Step } from './figures.ts'

export interface Selection extends Measured {
  readonly name: string | null
  readonly type: `${OperationDefinitionNode['operation']}`
  /** False when validation will refuse the operation. */
  readonly isSound: boolean
  /** `Type.field` of every field, and `Type.field/child` of what is selected of a connection itself. */
  readonly selected: ReadonlySet<string>
}

/** A named type, or undefined where it is unknown. */
type Parent = GraphQLNamedType | undefined
type Field = GraphQLField<unknown, unknown>

/** What is at one place and below it. `names` are the place's own fields, null where nobody asks for them. */
interface Tally {
  depth: number
  aliases: number
  /** The steps that tell its nodes. */
  readonly steps: number[]
  readonly names: Set<string> | null
}

/** An operation under way. */
interface Reading {
  readonly schema: GraphQLSchema
  /** What a connection counts whose `first` has no default. */
  readonly unsized: number
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly presets: ReadonlyMap<string, number | null>
  /** Of fragments; null while one is being read. */
  readonly tallies: Map<string, Tally | null>
  readonly selected: Set<string>
  readonly steps: Step[]
  isSound: boolean
}

const newTally = (names: Tally['names']): Tally => ({ depth: 0, aliases: 0, steps: [], names })
const nothing = newTally(null)

/** Relay's rule, and the schema's: a type that is named so is a page of nodes. */
const isConnection = (type: Parent) => type?.name.endsWith('Connection') === true

const isMeta = (name: string) => name.startsWith('__')
const levelless: ReadonlySet<string> = new Set(['edges', 'nodes', 'pageInfo'])
const levelOf = (parent: Parent, name: string) =>
  levelless.has(name) || isMeta(name) || isMeta(parent?.name ?? '') ? 0 : 1

function fieldOf(schema: GraphQLSchema, parent: Parent, name: string): Field | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef
  if (isObjectType(parent) && parent === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef
  }
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined
}

const integerIn = (value: ValueNode | undefined) => (value?.kind === Kind.INT ? clamped(Number(value.value)) : null)

function firstOf({ presets, unsized }: Reading, node: FieldNode, field: Field, parent: Parent): First {
  const written = node.arguments?.find(({ name }) => name.value === 'first')?.value
  const variable = written?.kind === Kind.VARIABLE ? written.name.value : null
  const usual: unknown = field.args.find(({ name }) => name === 'first')?.defaultValue
  return {
    field: `${parent?.name}.${field.name}`,
    variable,
    preset: variable === null ? integerIn(written) : (presets.get(variable) ?? null),
    usual: typeof usual === 'number' ? clamped(usual) : unsized
  }
}

/** Gives the step's number. */
const addStep = ({ steps }: Reading, first: Step['first'], below: Step['below']) => steps.push({ first, below }) - 1

/** Several steps as one, so that adding them again and again costs nothing. */
const asOne = (reading: Reading, steps: readonly number[]) =>
  steps.length > 1 ? [addStep(reading, null, steps)] : steps

/** An interface's field is the field of each type behind it. */
function select({ schema, selected }: Reading, parent: Parent, name: string, children: Iterable<string>): void {
  if (parent === undefined || isMeta(name) || isMeta(parent.name)) return
  const owners = isAbstractType(parent) ? [parent, ...schema.getPossibleTypes(parent)] : [parent]
  for (const owner of owners) {
    selected.add(`${owner.name}.${name}`)
    for (const child of children) selected.add(`${owner.name}.${name}/${child}`)
  }
}

function addField(reading: Reading, node: FieldNode, parent: Parent, into: Tally): void {
  const name = node.name.value
  const field = fieldOf(reading.schema, parent, name)
  if (field === undefined) reading.isSound = false
  const type = field && getNamedType(field.type)
  const isPage = isConnection(type)
  const { selectionSet } = node
  const below = selectionSet ? walk(reading, selectionSet, type, newTally(isPage ? new Set() : null)) : nothing
  into.depth = Math.max(into.depth, levelOf(parent, name) + below.depth)
  into.aliases = plus(into.aliases, plus(below.aliases, node.alias ? 1 : 0))
  if (!isMeta(name)) into.names?.add(name)
  if (field && isPage) into.steps.push(addStep(reading, firstOf(reading, node, field, parent), below.steps))
  else into.steps.push(...asOne(reading, below.steps))
  if (field) select(reading, parent, name, below.names ?? [])
}

/** Null where there is nothing to count: an unknown fragment, or one that is inside itself. */
function tallyOf(reading: Reading, name: string): Tally | null {
  const known = reading.tallies.get(name)
  if (known) return known
  const fragment = reading.fragments.get(name)
  if (known === null || fragment === undefined) {
    reading.isSound = false
    return null
  }
  reading.tallies.set(name, null)
  const type = typeNamed(reading, fragment.typeCondition.name.value)
  const tally = walk(reading, fragment.selectionSet, type, newTally(new Set()))
  const whole = { ...tally, steps: [...asOne(reading, tally.steps)] }
  reading.tallies.set(name, whole)
  return whole
}

function typeNamed(reading: Reading, name: string): Parent {
  const type = reading.schema.getType(name)
  if (type === undefined) reading.isSound = false
  return type
}

function addFragment(tally: Tally, into: Tally): void {
  into.depth = Math.max(into.depth, tally.depth)
  into.aliases = plus(into.aliases, tally.aliases)
  into.steps.push(...tally.steps)
  if (into.names !== null) for (const name of tally.names ?? []) into.names.add(name)
}

function walk(reading: Reading, set: SelectionSetNode, parent: Parent, into: Tally): Tally {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) addField(reading, selection, parent, into)
    else if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const tally = tallyOf(reading, selection.name.value)
      if (tally !== null) addFragment(tally, into)
    } else {
      const condition = selection.typeCondition
      walk(reading, selection.selectionSet, condition ? typeNamed(reading, condition.name.value) : parent, into)
    }
  }
  return into
}

/** `unsized`: what a connection counts whose `first` has no default. */
export function readSelection(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  unsized: number
): Selection {
  const { name, operation: type, variableDefinitions = [], selectionSet } = operation
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
  const root = schema.getRootType(type) ?? undefined
  const reading: Reading = {
    schema,
    unsized,
    fragments: new Map(fragments.map((fragment) => [fragment.name.value, fragment])),
    presets: new Map(variableDefinitions.map((given) => [given.variable.name.value, integerIn(given.defaultValue)])),
    tallies: new Map(),
    selected: new Set(),
    steps: [],
    isSound: root !== undefined
  }
  const { depth, aliases, steps: last } = walk(reading, selectionSet, root, newTally(null))
  const { isSound, selected, steps } = reading
  return { name: name?.value ?? null, type, isSound, selected, depth, aliases, steps, last }
}

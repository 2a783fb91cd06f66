/**
 * The plugin's options: what is done when a system is missing, and changes to the table of lists.
 */
import { Type } from '../../core/schema.ts'

const oneOf = <const Names extends readonly string[]>(names: Names, description: string) =>
  Type.Optional(
    Type.Union(
      names.map((name) => Type.Literal(name)),
      { description }
    )
  )
const text = (description: string) => Type.Optional(Type.String({ description }))
const kinds = Type.Union([Type.Literal('number'), Type.Literal('text')])

/** One row of the table of lists: core/methods.ts has the table itself. */
const ListChange = Type.Object(
  {
    arrayKey: text("The key of the array in its answer; '' takes the answer's only array."),
    id: text("The field that is unique in one system; '' when there is none."),
    orderBy: text("What it is ordered by when the request does not say; '' when that is not known."),
    direction: oneOf(['asc', 'desc'], 'The default direction.'),
    ties: oneOf(['asc', 'desc', 'none'], 'How rows of one value follow each other, by id.'),
    compare: Type.Optional(
      Type.Record(Type.String(), kinds, { description: 'Fields whose values do not tell how they compare.' })
    ),
    skipExported: text("The parameter that leaves exported rows out; '' when there is none."),
    exportedFilters: Type.Optional(
      Type.Array(Type.String(), { description: "A client's own filters on exported rows." })
    )
  },
  { additionalProperties: false }
)

export const ListAggregationOptions = Type.Object(
  {
    onMissingSystem: Type.Union([Type.Literal('fail'), Type.Literal('partial')], {
      default: 'fail',
      description: "When a system cannot give its part: a fault, or the other's rows."
    }),
    methods: Type.Record(Type.String(), Type.Union([Type.Literal(false), ListChange]), {
      default: {},
      description: 'Changes to the table of lists, by Service/method; false for what is no list.'
    })
  },
  { additionalProperties: false }
)

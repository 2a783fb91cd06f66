/**
 * What a client wants to subscribe to: it is read, judged as any other operation, and given its events; and how what is
 * wrong with it is told.
 */
import { type ExecutionArgs, GraphQLError, type GraphQLFormattedError, getOperationAST, parse, validate } from 'graphql'
import type { SubscribePayload } from 'graphql-ws'
import { answerFor } from '../answers.ts'
import { BadInput, formatError } from '../errors.ts'
import { opennessOf, withoutSuggestion } from '../introspection.ts'
import { createJudge, TooComplex } from '../judge.ts'
import type { SentOperation } from '../operations.ts'
import type { Parts } from './index.ts'
import type { MoveNews } from './moves.ts'
import { createStatusNews } from './status.ts'

/** What a subscription's field is told of its operation. */
interface Asked {
  readonly name: string
}

type Errors = readonly GraphQLError[]

export function createReader({ app, setting, schema, numbers }: Parts) {
  const judge = createJudge(schema, setting)
  const { isOpen } = opennessOf(setting)
  const openStatus = createStatusNews(app, setting.statusInterval)
  const most = setting.limits.subscriptions
  const note = (err: unknown) => app.log.error({ err }, 'a GraphQL subscription failed')

  /** GraphQL's own errors are told as they are, others as for a request that never was an operation. */
  function errorsOf(error: unknown): Errors {
    if (error instanceof GraphQLError) return [error]
    const { errors } = answerFor(error, isOpen, note)
    return errors.map(({ message, extensions }) => new GraphQLError(message, extensions && { extensions }))
  }

  /** Throws what answers it. */
  function readOne(payload: SubscribePayload, open: number, moves: MoveNews): ExecutionArgs | Errors {
    if (open > most) throw new TooComplex(`The connection has ${open} subscriptions, the limit is ${most}`)
    const sent: SentOperation = { ...payload }
    const { names } = judge([sent])
    const document = parse(String(sent.query))
    const { operationName } = payload
    const type = getOperationAST(document, operationName)?.operation
    if (type === 'query' || type === 'mutation')
      throw new BadInput(`A ${type} is sent by POST: this is for subscriptions`)
    const errors = validate(schema, document)
    if (errors.length > 0) return errors
    const contextValue: Asked = { name: numbers.nameFor(names[0] ?? null, true) }
    const rootValue = {
      systemStatus: (_arguments: unknown, { name }: Asked) => openStatus(numbers.openSubscription(name)),
      customerMoved: (_arguments: unknown, { name }: Asked) => moves.open(numbers.openSubscription(name))
    }
    return { schema, document, operationName, variableValues: payload.variables, rootValue, contextValue }
  }

  return {
    /** `open` counts the connection's subscriptions, this one included. */
    read(payload: SubscribePayload, open: number, moves: MoveNews): ExecutionArgs | Errors {
      try {
        const reading = readOne(payload, open, moves)
        if (!Array.isArray(reading)) return reading
        numbers.count(numbers.nameFor(null, false), 'failed')
        return reading
      } catch (error) {
        numbers.count(numbers.nameFor(null, false), error instanceof TooComplex ? 'too_complex' : 'failed')
        return errorsOf(error)
      }
    },

    /** Errors as their client may read them. */
    told: (errors: Errors): GraphQLFormattedError[] =>
      errors.map((error) => {
        const formatted = formatError(error, note)
        return isOpen ? formatted : { ...formatted, message: withoutSuggestion(formatted.message) }
      })
  }
}

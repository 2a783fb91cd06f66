/**
 * mercurius with the schema, in a Fastify instance of its own. It is made when the first request comes: loading it takes a
 * quarter of a second and thirty megabytes, which a deployment without admin tools need not pay for.
 */
import { readFileSync } from 'node:fs'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { buildSchema, type ExecutionResult, type GraphQLError, type GraphQLSchema } from 'graphql'
import mercurius from 'mercurius'
import { KnownCause, whyOf } from '../core/faults.ts'
import { askerOf } from '../core/own-call.ts'
import { answerFor, answersOf, complete, formatExecution, refusedAnswers } from './answers.ts'
import type { OperationContext } from './connections.ts'
import { NoRequest } from './errors.ts'
import { parseInput } from './exact-input.ts'
import { opennessOf } from './introspection.ts'
import { createJudge } from './judge.ts'
import { loaders } from './loaders.ts'
import type { Numbers, Outcome } from './numbers.ts'
import { operationsIn } from './operations.ts'
import type { GraphqlSetting } from './options.ts'
import { outerOf } from './outer.ts'
import { refuseOverHttp } from './over-http.ts'
import { createResolvers } from './resolvers.ts'
import { View } from './view.ts'
import { shownBy, visitorOf } from './visitor.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the resolvers of this request share; null until it is admitted. */
    graphqlContext: OperationContext | null
    /** The names of its operations. */
    operationNames: readonly (string | null)[]
  }
}

/**
 * Documents that are kept parsed and found valid. One is some thirty times as large as its text: a client that writes
 * values into its queries may not fill the memory with them.
 */
const keptDocuments = 100

export const readSchema = (): GraphQLSchema =>
  buildSchema(readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8'))

/** Aborted when the client has left before its answer. */
function leaving({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort()
  })
  // While its session was looked for, say.
  if (raw.destroyed) left.abort()
  return left.signal
}

function outcomeOf({ data, errors }: ExecutionResult): Outcome {
  const [first] = errors ?? []
  if (first === undefined) return 'ok'
  if (first.extensions?.code === 'QUERY_TOO_COMPLEX') return 'too_complex'
  if (first.extensions?.code === 'UNAUTHENTICATED') return 'unauthenticated'
  return data === undefined || data === null ? 'failed' : 'partial'
}

/** Counts a request's operations when their answers are there, and names them for the access line. */
function countOperations(numbers: Numbers, request: FastifyRequest, payload: unknown): void {
  const { operationNames, graphqlContext } = request
  const results = (Array.isArray(payload) ? payload : [payload]) as readonly ExecutionResult[]
  const names = results.map((result, at) => {
    const outcome = outcomeOf(result)
    const name = numbers.nameFor(operationNames[at] ?? null, outcome === 'ok' || outcome === 'partial')
    numbers.count(name, outcome)
    return name
  })
  const name = Array.isArray(payload) ? 'batch' : (names[0] ?? 'anonymous')
  if (graphqlContext !== null) numbers.noteCalls(name, graphqlContext.view.calls.count)
  outerOf(request).trail.operation = name
}

/** The client is told with each field; this is for whoever watches. A breaker has told its own. */
function tellFailures(request: FastifyRequest): void {
  const { log, trail } = outerOf(request)
  for (const [system, cause] of request.graphqlContext?.view.calls.failures ?? []) {
    if (cause instanceof Error && cause.cause instanceof KnownCause) continue
    log.warn({ operation: trail.operation, system, why: whyOf(cause) }, 'a GraphQL answer lacks what a system has')
  }
}

/** Admits requests to the operations' scope, or throws what answers them. */
function addAdmission(scope: FastifyInstance, app: FastifyInstance, setting: GraphqlSetting, schema: GraphQLSchema) {
  const judge = createJudge(schema, setting)
  scope.decorateRequest('graphqlContext', null)
  scope.decorateRequest('operationNames', null as unknown as [])
  scope.addHook('onRequest', async function beginOperation(request) {
    request.operationNames = []
    // Until its body is here.
    outerOf(request).trail.beginWait()
  })
  scope.addHook('preHandler', async function admit(request, reply) {
    const own = outerOf(request)
    own.trail.endWait(1)
    const sent = operationsIn(request.method === 'GET' ? request.query : request.body)
    if (sent === null) throw new NoRequest()
    const judged = judge(sent)
    const { names, selected } = judged
    request.operationNames = names
    refuseOverHttp(request.method, sent, judged)
    const visitor = await own.trail.waitFor(visitorOf(app, shownBy(app, own), askerOf(own)))
    const view = new View(app, own, visitor, { ...setting, selected, signal: leaving(reply) })
    request.graphqlContext = { view }
  })
}

/** JSON alone, which no page of another site can have a browser send unasked. */
function readBodies(scope: FastifyInstance) {
  const readJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeContentTypeParser(['application/json', 'text/plain'])
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    readJson(request, body as string, (error) => done(error, error === null ? parseInput(body as string) : undefined))
  })
}

async function operations(scope: FastifyInstance, { app, setting, schema }: Parts) {
  readBodies(scope)
  // Numbers keep their digits, and paths theirs, which a schema's serializer would make texts of.
  scope.setSerializerCompiler(() => JSON.stringify)
  addAdmission(scope, app, setting, schema)
  const { isOpen, rules, hideSuggestions } = opennessOf(setting)
  await scope.register(mercurius, {
    schema,
    resolvers: createResolvers(app, schema) as never,
    loaders: loaders as never,
    path: setting.path,
    cache: keptDocuments,
    allowBatchedQueries: true,
    validationRules: [...rules],
    // An option of graphql's that mercurius passes on, and its types lack.
    graphql: { validateOptions: { hideSuggestions } as never },
    context: ({ graphqlContext }) => graphqlContext as never,
    // The instance's own handler answers errors of no operation.
    errorHandler: false,
    errorFormatter: (execution, context) =>
      formatExecution(execution as ExecutionResult & { errors: readonly GraphQLError[] }, isOpen, (err) =>
        outerOf(context.reply.request).log.error({ err }, 'a GraphQL field failed')
      )
  })
  scope.graphql.addHook('preExecution', async (_schema, _document, context) => {
    ;(context as unknown as OperationContext).partial = new Map()
  })
  scope.graphql.addHook('onResolution', async (execution, context) => {
    complete(execution, context as unknown as OperationContext)
  })
}

interface Parts {
  readonly app: FastifyInstance
  readonly setting: GraphqlSetting
  readonly schema: GraphQLSchema
  readonly numbers: Numbers
}

export interface Engine {
  readonly instance: FastifyInstance
  readonly schema: GraphQLSchema
}

export async function startEngine(app: FastifyInstance, setting: GraphqlSetting, numbers: Numbers): Promise<Engine> {
  const schema = readSchema()
  const instance = Fastify({
    loggerInstance: app.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: setting.bodyLimit,
    routerOptions: { maxParamLength: 1000 }
  }) as unknown as FastifyInstance
  const { isOpen } = opennessOf(setting)
  instance.setErrorHandler(function answerError(error, request, reply) {
    const answer = answerFor(error, isOpen, (err) => outerOf(request).log.error({ err }, 'a GraphQL request failed'))
    return reply.code(answer.status).send(answersOf(error, answer, request.body))
  })
  instance.addHook('preSerialization', async function count(request, reply, payload) {
    const view = request.graphqlContext?.view
    const answers = view?.calls.isRefused ? refusedAnswers(payload, view) : payload
    countOperations(numbers, request, answers)
    tellFailures(request)
    const { to } = outerOf(request).trail
    reply.header('cache-control', 'no-store')
    if (app.debugHeaders && to !== null) reply.header('x-dispatched-to', to === 'both' ? 'source,target' : to)
    return answers
  })
  await instance.register(operations, { app, setting, schema, numbers })
  await instance.ready()
  return { instance, schema }
}

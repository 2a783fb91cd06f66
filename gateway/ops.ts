/**
 * The ops listener: health, numbers, explanations, and the word of a migration (contract section 8). Nobody outside sees
 * it.
 */
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController
} from 'fastify'
import { Fault, renderFault } from '../core/faults.ts'
import { systemNames } from '../core/words.ts'
import { mergedText } from '../plugins/metrics/merged.ts'
import type { Config } from './config-schema.ts'
import { noSchemas } from './no-schemas.ts'
import { addHeaders } from './ops/access/headers.ts'
import { readWholeUrl } from './ops/access/hosts.ts'
import { addAccess } from './ops/access/index.ts'
import { isConsoleOn, registerConsole as registerOurs } from './ops/console.ts'
import { createExplain } from './ops/explain.ts'
import { addMigrations } from './ops/migrations.ts'
import type { AskAll } from './ops/reports.ts'
import { describeSystems, mergeSystems } from './ops/systems.ts'
import { createWhere } from './ops/where.ts'

interface Watched {
  readonly config: Config
  /** Whether every listener is bound, and whether a stop has begun. */
  readonly state: { readonly isListening: boolean; readonly isStopping: boolean }
  /** Asks all workers; null where this process is the only one. */
  readonly askAll: AskAll | null
}

/** Ops has two faults of its own: what it cannot read, and what goes wrong in here. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const status = (error as { statusCode?: number }).statusCode ?? 500
  const wrong =
    status < 500 ? new Fault('malformed_request', 'the body is not JSON') : new Fault('bad_gateway', 'gateway')
  const fault = error instanceof Fault ? error : wrong
  if (fault.statusCode >= 500) request.server.log.error({ err: error }, 'an ops request failed')
  if (fault.statusCode === 401) reply.header('www-authenticate', 'Bearer')
  if (fault.retryAfter !== undefined) reply.header('retry-after', fault.retryAfter)
  const [contentType, text] = renderFault(fault, 'rest', false)
  return reply.code(fault.statusCode).header('content-type', contentType).send(text)
}

/** A request that no hook has seen: to who would need the token it tells no more than that. */
const createUnreadable = (token: string) =>
  function answerUnreadable(_error: unknown, request: FastifyRequest, reply: FastifyReply) {
    const fault = token === '' ? new Fault('malformed_request', 'the request target') : new Fault('unauthorized')
    return answerError(fault, request, addHeaders(reply))
  }

/** For balancers and process managers: without a token. */
function addHealth(ops: FastifyInstance, app: FastifyInstance, { state }: Watched) {
  ops.get('/health/live', async () => ({ live: true }))
  ops.get('/health/ready', async (_request, reply) => {
    const systems = Object.fromEntries(systemNames.map((system) => [system, app.systems[system].reachable]))
    const ready = state.isListening && !state.isStopping && Object.values(systems).includes(true)
    return reply.code(ready ? 200 : 503).send({ ready, listening: state.isListening, reachable: systems })
  })
}

/** For operators alone. */
function addGuarded(scope: FastifyInstance, app: FastifyInstance, { config, askAll }: Watched) {
  const explain = createExplain(app, config)
  const where = createWhere(app)
  if (app.hasDecorator('metrics')) {
    scope.get('/metrics', async (_request, reply) => {
      reply.header('content-type', app.metrics.contentType)
      return askAll === null ? app.metrics.text() : mergedText(await askAll('metrics'))
    })
  }
  scope.get('/systems', async () => (askAll === null ? describeSystems(app) : mergeSystems(await askAll('systems'))))
  scope.get('/where', async ({ query }) => where(query as object))
  scope.post('/explain', async ({ body }) => explain(body))
  addMigrations(scope, app)
}

/** `registerConsole` is another one in tests alone. */
export async function buildOps(
  app: FastifyInstance,
  watched: Watched,
  logger: FastifyBaseLogger,
  registerConsole = registerOurs
): Promise<FastifyInstance> {
  const { config } = watched
  const ops = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy as string | string[] | false,
    requestTimeout: config.limits.head + config.limits.body,
    rewriteUrl: readWholeUrl,
    schemaController: noSchemas,
    frameworkErrors: createUnreadable(config.ops.token)
  }) as unknown as FastifyInstance
  ops.setErrorHandler(answerError)
  ops.addHook('onRequest', async function addSafeHeaders(_request, reply) {
    addHeaders(reply)
  })
  addHealth(ops, app, watched)
  addAccess(ops, app, config, (scope, csrfOf) => {
    addGuarded(scope, app, watched)
    if (isConsoleOn(config)) registerConsole(scope, app, { csrfOf, config, askAll: watched.askAll })
  })
  await ops.ready()
  return ops
}

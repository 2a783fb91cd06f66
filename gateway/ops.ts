/**
 * The ops listener: health, numbers, explanations, and the word of a migration (contract section 8). Nobody outside sees
 * it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
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
import { createEvents } from './ops/events.ts'
import { createExplain } from './ops/explain.ts'
import { addMigrations } from './ops/migrations.ts'
import type { AskAll } from './ops/reports.ts'
import { describeSystems, mergeSystems } from './ops/systems.ts'
import { createWhere } from './ops/where.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether the token is shown, if there is one; equal time for any wrong one. */
function createGuard(token: string) {
  const wanted = digest(`Bearer ${token}`)
  return function isAllowed(authorization: string | undefined): boolean {
    return token === '' || timingSafeEqual(digest(authorization ?? ''), wanted)
  }
}

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
  const [contentType, text] = renderFault(fault, 'rest', false)
  return reply.code(fault.statusCode).header('content-type', contentType).send(text)
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
  const isAllowed = createGuard(config.ops.token)
  const explain = createExplain(app, config)
  const where = createWhere(app)
  scope.addHook('onRequest', async function requireToken(request, reply) {
    if (isAllowed(request.headers.authorization)) return undefined
    return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'the ops token is missing or wrong' })
  })
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
  if (app.hasDecorator('console')) addConsole(scope, app, config, askAll)
}

function addConsole(scope: FastifyInstance, app: FastifyInstance, config: Config, askAll: AskAll | null) {
  const events = createEvents(app, config, askAll)
  // A HEAD of its own would open a stream that nobody reads.
  scope.get('/console/events', { exposeHeadRoute: false }, (_request, reply) => events.open(reply))
  scope.addHook('preClose', async function endEvents() {
    events.close()
  })
}

export async function buildOps(
  app: FastifyInstance,
  watched: Watched,
  logger: FastifyBaseLogger
): Promise<FastifyInstance> {
  const ops = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true })
  }) as unknown as FastifyInstance
  ops.setErrorHandler(answerError)
  ops.setNotFoundHandler(() => {
    throw new Fault('not_found')
  })
  addHealth(ops, app, watched)
  ops.register(async function guarded(scope) {
    addGuarded(scope, app, watched)
  })
  await ops.ready()
  return ops
}

/**
 * buildApp: config to a ready Fastify instance. It assembles and never listens.
 */
import { randomInt } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { Fault } from '../core/faults.ts'
import { createTargetReader, requestTarget } from '../core/route.ts'
import { refuseRepeated, refuseUnclearHost } from '../core/unclear.ts'
import { catalogue } from './catalogue.ts'
import type { Config } from './config-schema.ts'
import { noSchemas } from './no-schemas.ts'
import { registerTeamPlugin } from './team-plugins.ts'

/**
 * Reads the request line before the router sees it. The router gets an API call's prefix alone: what follows may be a
 * password with any character, which no router should refuse, decode or repeat in an error.
 */
function createRequestLineReader({ apis }: Config) {
  const readTarget = createTargetReader(apis)
  return function readRequestLine(raw: IncomingMessage): string {
    try {
      refuseRepeated(raw.rawHeaders)
      const target = readTarget(raw.url ?? '')
      if (target.authority !== null) raw.headers.host = target.authority
      refuseUnclearHost(raw.headers.host)
      raw[requestTarget] = target
      return target.prefix || target.url
    } catch (error) {
      raw[requestTarget] = error instanceof Fault ? error : new Fault('malformed_request', 'the request target')
      return '/'
    }
  }
}

/** Ids of requests: no other process begins its own likewise, so that one stands for one request in everybody's log. */
function createRequestIds() {
  const prefix = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')
  let last = 0
  return () => `${prefix}-${(++last).toString(36)}`
}

/** Where the app logs: a logger, and the same place for finished lines. */
export interface AppLog {
  readonly logger: FastifyBaseLogger
  readonly writeLine: (line: string) => void
}

export async function buildApp(config: Config, { logger, writeLine }: AppLog): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    genReqId: createRequestIds(),
    // One access line of our own instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy as string | string[] | false,
    rewriteUrl: createRequestLineReader(config),
    // Whatever a head may hold: the path of a page is one parameter.
    routerOptions: { maxParamLength: config.limits.headBytes },
    // A team's routes may have them, and as Fastify has them.
    ...(config.teamPlugins.length === 0 && { schemaController: noSchemas }),
    frameworkErrors: (error, request, reply) => app.answerError(error, request, reply)
  }) as unknown as FastifyInstance

  try {
    await registerAll(app, config, writeLine)
    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}

async function registerAll(app: FastifyInstance, config: Config, writeLine: AppLog['writeLine']) {
  for (const { name, register } of catalogue) {
    const choice = config.plugins.find((one) => one.name === name)
    if (choice?.aside) app.log.info({ plugin: name, needs: choice.aside }, 'a plugin steps aside: what it needs is off')
    if (choice === undefined || choice.options !== null) await register(app, config, choice?.options ?? {}, writeLine)
  }
  for (const plugin of config.teamPlugins) await registerTeamPlugin(app, plugin)
}

/**
 * graphql
 * Adds  one GraphQL view over both systems for admin tools, at `path`, in the realms whose sessions may live on both.
 * Needs way, web-sockets, own-calls, homes; remote-session, entity-location, list-aggregation; metrics where it is on.
 * Off   the path is gone.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Fault } from '../core/faults.ts'
import { isSingleHome, upgrade } from '../core/words.ts'
import { graphiql } from './graphiql/index.ts'
import { readKnownQueries } from './known-queries.ts'
import { lazily } from './lazily.ts'
import { createNumbers } from './numbers.ts'
import type { GraphqlSetting } from './options.ts'
import { outer } from './outer.ts'

/** The view, and all that is about it, is for sessions that may live on both systems. */
function requireDualRealm({ place }: FastifyRequest): void {
  if (isSingleHome(place.realm)) throw new Fault('not_found')
}

async function graphql(app: FastifyInstance, given: Omit<GraphqlSetting, 'knownQueries'>) {
  const { persistedQueries: file } = given
  // With the config, once: a file that is changed later changes nothing.
  const setting = { ...given, knownQueries: file === undefined ? null : readKnownQueries(file) }
  const numbers = createNumbers(app)
  const engine = lazily(async () => {
    const { startEngine } = await import('./engine.ts')
    return startEngine(app, setting, numbers)
  })
  const subscriptions = lazily(async () => {
    const [{ schema }, { createSubscriptions }] = await Promise.all([engine.get(), import('./subscriptions/index.ts')])
    return createSubscriptions({ app, setting, schema, numbers })
  })

  /** Hands the request over before its body is read. */
  async function handOver(request: FastifyRequest, reply: FastifyReply) {
    requireDualRealm(request)
    request.trail.reason = 'graphql'
    if (request.raw[upgrade] !== undefined) {
      const open = await subscriptions.get()
      open(request, reply)
      return reply
    }
    const { instance } = await engine.get()
    reply.hijack()
    request.raw[outer] = request
    instance.routing(request.raw, reply.raw)
    return reply
  }

  app.webSockets.take(setting.path)
  app.route({
    method: ['GET', 'POST'],
    url: setting.path,
    exposeHeadRoute: false,
    onRequest: handOver,
    handler: function neverReached() {
      throw new Error('The request was handed over')
    }
  })

  if (setting.graphiql ?? !setting.isProduction) {
    app.register(async function pages(scope) {
      scope.addHook('onRequest', async (request) => requireDualRealm(request))
      scope.register(graphiql, { endpoint: setting.path, path: `${setting.path}/graphiql` })
    })
  }

  app.addHook('onClose', async function closeEngine() {
    await (await engine.ifMade())?.instance.close()
  })
}

export default fp(graphql, {
  name: 'graphql',
  fastify: '5.x',
  dependencies: ['way', 'web-sockets', 'own-calls', 'homes', 'remote-session', 'entity-location', 'list-aggregation']
})

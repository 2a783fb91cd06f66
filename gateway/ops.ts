/**
 * The ops listener: health, explanations, and the word of a migration (contract section 8). Nobody outside sees it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { Fault, renderFault } from '../core/faults.ts'
import { createRealmLookup } from '../core/hosts.ts'
import { createTargetReader } from '../core/route.ts'
import { systemNames } from '../core/words.ts'
import type { Config } from './config-schema.ts'

const Described = Type.Object(
  {
    method: Type.String({ minLength: 1, default: 'POST' }),
    url: Type.String({ minLength: 1, description: 'A path, or a whole URL: then its host and port count.' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    body: Type.String({ default: '', description: 'The body as text.' })
  },
  { additionalProperties: false }
)

const Migration = Type.Object(
  {
    i_customer: Type.Integer({ minimum: 1 }),
    state: Type.Union([Type.Literal('started'), Type.Literal('finished'), Type.Literal('failed')]),
    to: Type.Optional(Type.Union(systemNames.map((system) => Type.Literal(system))))
  },
  { additionalProperties: false }
)

/** The systems' own provisioning events: customers and accounts, exported and imported. */
const ProvisioningEvent = Type.Object({
  event_type: Type.String({ pattern: '^(?:Customer|Account)/Status/(?:Exported|Imported)$' }),
  variables: Type.Record(Type.String(), Type.Unknown(), { default: {} })
})

function checked<Schema extends Type.TSchema>(schema: Schema, body: unknown, what: string): Static<Schema> {
  const value = Value.Default(schema, structuredClone(body))
  const [error] = Value.Errors(schema, value)
  if (error === undefined) return value as Static<Schema>
  throw new Fault('malformed_request', `${what}${error.instancePath.replaceAll('/', '.')} ${error.message}`)
}

/** Whom a word of a migration is about; null for an event that does not tell. */
function movedBy(body: unknown): { what: string; moved: { iCustomer?: number; iAccount?: number } | null } {
  if (typeof body !== 'object' || body === null || !('event_type' in body)) {
    const { i_customer: iCustomer, state } = checked(Migration, body, 'the body')
    return { what: state, moved: { iCustomer } }
  }
  const { event_type: what, variables } = checked(ProvisioningEvent, body, 'the event')
  const iCustomer = idOf(variables.i_customer)
  const iAccount = idOf(variables.i_account)
  if (iCustomer === undefined && iAccount === undefined) return { what, moved: null }
  return { what, moved: { ...(iCustomer !== undefined && { iCustomer }), ...(iAccount !== undefined && { iAccount }) } }
}

/** Ids come as numbers or as strings of digits. */
function idOf(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Throws where the token is not shown; equal time for any wrong one. */
function createGuard(token: string) {
  const wanted = digest(`Bearer ${token}`)
  return function isAllowed(authorization: string | undefined): boolean {
    return token === '' || timingSafeEqual(digest(authorization ?? ''), wanted)
  }
}

interface Watched {
  readonly config: Config
  /** True once every listener is bound. */
  isListening(): boolean
}

/** Where the described request would go and why. Nothing is sent. */
function createExplain(app: FastifyInstance, { config }: Watched) {
  const readTarget = createTargetReader(config.apis)
  const { source, target } = config.systems
  const placeOf = createRealmLookup(config.realms, { source: source.release, target: target.release })
  const detects = config.plugins.some(({ name, options }) => name === 'realm-detection' && options !== null)

  function placeFor(url: string, host: string) {
    const place = detects ? placeOf(host) : undefined
    const port = URL.canParse(url) ? new URL(url).port : ''
    const fixed = detects ? config.listen.find((one) => port !== '' && one.port === Number(port))?.realm : undefined
    const realm = fixed ?? place?.realm ?? config.defaultRealm
    if (realm === undefined) throw new Fault('unknown_realm')
    return { realm, pinned: place?.pinned ?? null }
  }

  return async function explain({ url, headers, body }: Static<typeof Described>) {
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const described = readTarget(url)
    const place = placeFor(url, described.authority ?? lower.host ?? '')
    const content = body === '' ? null : Buffer.from(body)
    const asked = { target: described, place, headers: lower, content }
    const { to, reason, otherwise, missing } = await app.explain(asked)
    const { family, service, method } = described.route
    const call = method === '' ? null : `${service}/${method}`
    const more = { ...(otherwise !== null && { otherwise }), ...(missing !== null && { missing }) }
    return { realm: place.realm, family, call, to, reason, ...more }
  }
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
  const isAllowed = createGuard(watched.config.ops.token)
  const explain = createExplain(app, watched)

  ops.setErrorHandler((error, _request, reply) => {
    const status = (error as { statusCode?: number }).statusCode ?? 500
    const wrong =
      status < 500 ? new Fault('malformed_request', 'the body is not JSON') : new Fault('bad_gateway', 'gateway')
    const fault = error instanceof Fault ? error : wrong
    if (fault.statusCode >= 500) ops.log.error({ err: error }, 'an ops request failed')
    const [contentType, text] = renderFault(fault, 'rest', false)
    return reply.code(fault.statusCode).header('content-type', contentType).send(text)
  })
  ops.setNotFoundHandler(() => {
    throw new Fault('not_found')
  })

  ops.get('/health/live', async () => ({ live: true }))
  ops.get('/health/ready', async (_request, reply) => {
    const systems = Object.fromEntries(systemNames.map((system) => [system, app.systems[system].reachable]))
    const ready = watched.isListening() && Object.values(systems).includes(true)
    return reply.code(ready ? 200 : 503).send({ ready, listening: watched.isListening(), reachable: systems })
  })

  ops.register(async function guarded(scope) {
    scope.addHook('onRequest', async function requireToken(request, reply) {
      if (isAllowed(request.headers.authorization)) return undefined
      return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'the ops token is missing or wrong' })
    })

    scope.post('/explain', async (request) => explain(checked(Described, request.body, 'the body')))

    scope.post('/migrations', async (request) => {
      const { what, moved } = movedBy(request.body)
      if (app.hasDecorator('loginForwarding')) await app.loginForwarding.forgetHints()
      if (app.hasDecorator('entityLocation')) {
        if (moved === null) await app.entityLocation.forgetAll()
        else await app.entityLocation.forget(moved)
      }
      ops.log.info({ ...moved, what }, 'a migration was told: login hints and locations are forgotten')
      return { success: 1 }
    })
  })

  await ops.ready()
  return ops
}

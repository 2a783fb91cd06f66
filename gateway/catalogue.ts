/**
 * The ordered list of plugins: the only place that knows which there are, which can be turned off and what each needs.
 */
import type { FastifyInstance } from 'fastify'
import type { TSchema } from '../core/schema.ts'
import graphql from '../graphql/index.ts'
import { GraphqlOptions } from '../graphql/options.ts'
import body from '../plugins/body.ts'
import circuitBreaker, { CircuitBreakerOptions } from '../plugins/circuit-breaker.ts'
import consolePlugin from '../plugins/console/index.ts'
import { ConsoleOptions } from '../plugins/console/options.ts'
import dispatch from '../plugins/dispatch/index.ts'
import entityLocation, { EntityLocationOptions } from '../plugins/entity-location/index.ts'
import errorHandler from '../plugins/error-handler.ts'
import forward from '../plugins/forward/index.ts'
import homes from '../plugins/homes/index.ts'
import listAggregation, { ListAggregationOptions } from '../plugins/list-aggregation/index.ts'
import loadShedding from '../plugins/load-shedding.ts'
import loginForwarding, { LoginForwardingOptions } from '../plugins/login-forwarding.ts'
import metrics, { MetricsOptions } from '../plugins/metrics/index.ts'
import missingMethods, { MissingMethodsOptions } from '../plugins/missing-methods.ts'
import ownCalls from '../plugins/own-calls.ts'
import pairedSessions from '../plugins/paired-sessions.ts'
import realmDetection, { RealmDetectionOptions } from '../plugins/realm-detection.ts'
import remoteSession, { RemoteSessionOptions } from '../plugins/remote-session.ts'
import serviceAccount from '../plugins/service-account/index.ts'
import sessionCalls from '../plugins/session-calls/index.ts'
import store from '../plugins/store/index.ts'
import streamedBytes from '../plugins/streamed-bytes.ts'
import tokenSignature from '../plugins/token-signature.ts'
import upstreams from '../plugins/upstreams/index.ts'
import way from '../plugins/way.ts'
import webPortal, { WebPortalOptions } from '../plugins/web-portal.ts'
import webSocketProxy, { WebSocketProxyOptions } from '../plugins/web-socket-proxy/index.ts'
import webSockets from '../plugins/web-sockets/index.ts'
import writeFence, { WriteFenceOptions } from '../plugins/write-fence/index.ts'
import type { Choice, Config, PluginOptions } from './config-schema.ts'

interface Entry {
  readonly name: string
  /** The options that the config file may give; without a schema the plugin is always on and has none. */
  readonly options?: TSchema
  /** Names of the plugins without which this one cannot be on. */
  readonly needs?: readonly string[]
  register(app: FastifyInstance, config: Config, options: PluginOptions, writeLine: (line: string) => void): unknown
}

/** Whom the gateway may ask by itself: an option of the console, and gone with it. */
const accountIn = (plugins: Config['plugins']) =>
  (plugins.find(({ name }) => name === 'console')?.options as ConsoleOptions | null | undefined)?.account

const apiRoutesOf = ({ apis }: Config) => [...new Set(Object.values(apis).flat())]

/** In the order of a request's way: hooks run as they are registered, and a decorator stands before it is used. */
export const catalogue: readonly Entry[] = [
  {
    name: 'way',
    register: (app, { defaultRealm }, _options, writeLine) => app.register(way, { defaultRealm, writeLine })
  },
  // Before everything that can refuse a request.
  { name: 'error-handler', register: (app) => app.register(errorHandler) },
  { name: 'load-shedding', register: (app, { limits }) => app.register(loadShedding, limits) },
  { name: 'streamed-bytes', register: (app) => app.register(streamedBytes) },
  { name: 'body', register: (app, { bodyLimit }) => app.register(body, { bodyLimit }) },
  { name: 'store', register: (app, { store: place }) => app.register(store, { place }) },
  // Before the upstreams, which ask it.
  {
    name: 'circuit-breaker',
    options: CircuitBreakerOptions,
    register: (app, _config, options) => app.register(circuitBreaker, options as never)
  },
  { name: 'upstreams', register: (app, { systems }) => app.register(upstreams, { systems }) },
  { name: 'token-signature', register: (app, { systems }) => app.register(tokenSignature, systems) },
  {
    name: 'paired-sessions',
    register: (app, { secret, apis }) =>
      app.register(pairedSessions, { secret, refreshPath: `${restPrefixOf(apis)}/Session/refresh_access_token` })
  },
  {
    name: 'homes',
    register: (app, { secret, apis }) => app.register(homes, { secret, pingPath: `${restPrefixOf(apis)}/Session/ping` })
  },
  { name: 'own-calls', register: (app) => app.register(ownCalls) },
  {
    name: 'service-account',
    register: (app, { secret, apis, plugins }) =>
      app.register(serviceAccount, { account: accountIn(plugins), secret, restPrefix: restPrefixOf(apis) })
  },
  {
    name: 'realm-detection',
    options: RealmDetectionOptions,
    register: (app, { realms, systems, defaultRealm }) =>
      app.register(realmDetection, {
        realms,
        defaultRealm,
        releases: { source: systems.source.release, target: systems.target.release }
      })
  },
  {
    name: 'remote-session',
    options: RemoteSessionOptions,
    register: (app, _config, options) => app.register(remoteSession, options as never)
  },
  {
    name: 'login-forwarding',
    options: LoginForwardingOptions,
    register: (app, { secret }, options) => app.register(loginForwarding, { ...options, secret } as never)
  },
  { name: 'web-sockets', register: (app) => app.register(webSockets) },
  { name: 'forward', register: (app, { debugHeaders }) => app.register(forward, { debugHeaders }) },
  {
    name: 'entity-location',
    options: EntityLocationOptions,
    needs: ['remote-session', 'login-forwarding'],
    register: (app, { secret, apis }, options) =>
      app.register(entityLocation, { ...options, secret, restPrefix: restPrefixOf(apis) } as never)
  },
  {
    name: 'write-fence',
    options: WriteFenceOptions,
    needs: ['entity-location'],
    register: (app, { secret, apis }, options) =>
      app.register(writeFence, { ...options, secret, restPrefix: restPrefixOf(apis) } as never)
  },
  {
    name: 'list-aggregation',
    options: ListAggregationOptions,
    needs: ['remote-session', 'login-forwarding'],
    register: (app, _config, options) => app.register(listAggregation, options as never)
  },
  {
    name: 'session-calls',
    register: (app, { apis }) => app.register(sessionCalls, { logoutPath: `${restPrefixOf(apis)}/Session/logout` })
  },
  {
    name: 'dispatch',
    register: (app, config) =>
      app.register(dispatch, {
        apiRoutes: apiRoutesOf(config),
        logoutPath: `${restPrefixOf(config.apis)}/Session/logout`
      })
  },
  { name: 'metrics', options: MetricsOptions, register: (app) => app.register(metrics) },
  {
    name: 'console',
    options: ConsoleOptions,
    register: (app, _config, options) => app.register(consolePlugin, options as never)
  },
  {
    name: 'missing-methods',
    options: MissingMethodsOptions,
    register: (app, _config, options) => app.register(missingMethods, options as never)
  },
  {
    name: 'graphql',
    options: GraphqlOptions,
    needs: ['entity-location', 'list-aggregation'],
    register: (app, { apis, bodyLimit }, options) =>
      app.register(graphql, {
        ...options,
        restPrefix: restPrefixOf(apis),
        bodyLimit,
        isProduction: process.env.NODE_ENV === 'production'
      } as never)
  },
  {
    name: 'web-socket-proxy',
    options: WebSocketProxyOptions,
    register: (app, _config, options) => app.register(webSocketProxy, options as never)
  },
  // Last: its routes are whatever nobody else has.
  {
    name: 'web-portal',
    options: WebPortalOptions,
    register: (app, _config, options) => app.register(webPortal, options as never)
  }
]

/** The plugins that a config can turn on and off. */
export const switchable = catalogue.flatMap(({ options, ...entry }) =>
  options === undefined ? [] : [{ ...entry, options }]
)

/** Whatever has no name of ours is a team's own plugin, by path or package. */
export const isTeamName = (name: string) => !catalogue.some((entry) => entry.name === name)

/** The prefix under which `Session/ping` is asked: billing's first that is not SOAP or plain REST. */
function restPrefixOf({ billing }: Config['apis']): string {
  return billing.find((prefix) => !/\/(?:soap|espf|doc\/api)$/.test(prefix)) ?? '/rest'
}

/**
 * Which optional plugins are on. One that is on only by default steps aside when what it needs is off; for one that the
 * file turns on, that is a mistake, told by `mistake(name, need)`.
 */
export function choosePlugins(
  entries: readonly Pick<Entry, 'name' | 'needs'>[],
  wishes: Readonly<Record<string, boolean | PluginOptions | undefined>>,
  mistake: (name: string, need: string) => void
): Choice[] {
  const off = new Set<string>()
  return entries.map(({ name, needs = [] }) => {
    const wish = wishes[name]
    const missing = needs.find((need) => off.has(need))
    if (wish === false || missing !== undefined) off.add(name)
    if (wish === false) return { name, options: null, aside: null }
    if (missing === undefined) return { name, options: typeof wish === 'object' ? wish : {}, aside: null }
    if (wish !== undefined) mistake(name, missing)
    return { name, options: null, aside: missing }
  })
}

/**
 * Where a described request would go and why. Nothing is sent.
 */
import type { FastifyInstance } from 'fastify'
import type { Reason } from '../../core/decide.ts'
import { Fault } from '../../core/faults.ts'
import { createRealmLookup } from '../../core/hosts.ts'
import { createTargetReader } from '../../core/route.ts'
import { Type } from '../../core/schema.ts'
import { isSingleHome } from '../../core/words.ts'
import type { Config } from '../config-schema.ts'

const Described = Type.Object(
  {
    method: Type.String({ minLength: 1, default: 'POST' }),
    url: Type.String({ minLength: 1, description: 'A path, or a whole URL: then its host and port count.' }),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
    body: Type.String({ default: '', description: 'The body as text.' })
  },
  { additionalProperties: false }
)

export function createExplain(app: FastifyInstance, config: Config) {
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

  const view = config.plugins.find(({ name }) => name === 'graphql')?.options?.path
  /** RFC 6455 section 4.1; who may have one is known by its plugin. */
  const wantsWebSocket = (method: string, headers: Readonly<Record<string, string>>) =>
    app.hasDecorator('webSocketProxy') && method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'

  const isOfView = (url: string) => view !== undefined && url.split('?', 1).join() === view

  const redirectOf = app.hasDecorator('redirectOf') ? app.redirectOf : () => null

  return async function explain(body: unknown) {
    // Loaded when it is needed: it brings what checks a schema.
    const { checked } = await import('./checked.ts')
    const { method: httpMethod, url, headers, body: text } = checked(Described, body, 'the body')
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const described = readTarget(url)
    const host = described.authority ?? lower.host ?? ''
    const place = placeFor(url, host)
    // Each of its fields goes where a call for the same would go.
    if (isOfView(described.url) && !isSingleHome(place.realm)) {
      return { realm: place.realm, family: 'page', call: null, to: null, reason: 'graphql' satisfies Reason }
    }
    const redirected = isOfView(described.url) ? null : redirectOf(host, described)
    if (redirected !== null) {
      const reason: Reason = 'redirect'
      return { realm: place.realm, family: 'page', call: null, to: null, reason, ...redirected }
    }
    const content = text === '' ? null : Buffer.from(text)
    const isWebSocket = wantsWebSocket(httpMethod, lower)
    const asked = { method: httpMethod, target: described, place, headers: lower, content, isWebSocket }
    const { to, reason, otherwise, missing } = await app.explain(asked)
    // An envelope may have told the method.
    const { family, service, method } = asked.target.route
    const call = method === '' ? null : `${service}/${method}`
    const more = { ...(otherwise !== null && { otherwise }), ...(missing !== null && { missing }) }
    return { realm: place.realm, family, call, to, reason, ...more }
  }
}

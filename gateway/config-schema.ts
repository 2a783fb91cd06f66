/**
 * The config's keys, their types, defaults and meaning: the one truth for checks, types and docs.
 */
import { type Static, Type } from '../core/schema.ts'
import { type RealmName, realmNames } from '../core/words.ts'
import { SystemOptions } from '../plugins/upstreams/options.ts'
import { ListenerTls } from './tls-schema.ts'

const Strict = { additionalProperties: false } as const
const Port = Type.Integer({ minimum: 0, maximum: 65_535, description: 'A TCP port; 0 takes a free one.' })
const Secret = Type.String({ minLength: 32 })
const Realm = Type.Unsafe<RealmName>(Type.Union(realmNames.map((name) => Type.Literal(name))))
const Prefixes = (otherwise: string[]) => Type.Array(Type.String({ format: 'prefix' }), { default: otherwise })

export const BaseSchema = Type.Object(
  {
    listen: Type.Array(
      Type.Object(
        {
          host: Type.String({ minLength: 1, default: '0.0.0.0', description: 'The address to bind.' }),
          port: Port,
          realm: Type.Optional(Realm),
          tls: Type.Optional(ListenerTls)
        },
        Strict
      ),
      { minItems: 1, description: 'Where clients come in.' }
    ),
    workers: Type.Union([Type.Integer({ minimum: 1, maximum: 999 }), Type.Literal('auto')], {
      default: 1,
      description: 'Processes that share the listeners; auto is one per core.'
    }),
    trustProxy: Type.Union(
      [Type.Literal(false), Type.String({ format: 'cidr' }), Type.Array(Type.String({ format: 'cidr' }))],
      { default: false, description: 'Proxies whose X-Forwarded-* is believed.' }
    ),
    secret: Type.Union([Secret, Type.Array(Secret, { minItems: 1 })], {
      description: 'HMAC keys and encryption at rest derive from it. Of several the first signs, and all are tried.'
    }),
    store: Type.String({ default: 'memory', description: 'Where records are kept: memory, file:... or redis://...' }),
    bodyLimit: Type.Integer({ minimum: 1024, default: 1_048_576, description: 'Bytes of a body that must be read.' }),
    limits: Type.Object(
      {
        headBytes: Type.Integer({
          minimum: 4096,
          maximum: 262_144,
          default: 16_384,
          description: "Bytes of a request's line and headers together."
        }),
        head: Type.Integer({ minimum: 100, default: 20_000, description: "Until a request's head is here, ms." }),
        body: Type.Integer({
          minimum: 100,
          default: 20_000,
          description: "Until a request's body is here, ms; each 500 bytes of it that come give a second more."
        }),
        stalled: Type.Integer({
          minimum: 100,
          default: 60_000,
          description: 'While a client takes nothing of its answer, ms.'
        }),
        eventLoopDelay: Type.Integer({
          minimum: 0,
          default: 1000,
          description: 'New requests get 503 while the process runs this late on average, ms; 0 is no limit.'
        })
      },
      { ...Strict, default: {}, description: 'What a client may take of the gateway.' }
    ),
    debugHeaders: Type.Boolean({ default: false, description: 'true adds X-Dispatched-To.' }),
    notice: Type.Integer({
      minimum: 0,
      default: 0,
      description: 'How long a stop is only told to balancers, by /health/ready, before it begins, ms.'
    }),
    drain: Type.Integer({ minimum: 0, default: 30_000, description: 'Wait for requests in flight at a stop, ms.' }),
    logLevel: Type.Union(
      (['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const).map((level) => Type.Literal(level)),
      { default: 'info', description: 'The least level that is logged.' }
    ),
    ops: Type.Object(
      {
        host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'The address to bind.' }),
        port: Type.Integer({ minimum: 0, maximum: 65_535, default: 9090 }),
        hosts: Type.Array(Type.String({ format: 'whole-host' }), {
          default: [],
          description: 'Host names by which browsers may ask, beside localhost and addresses.'
        }),
        token: Type.String({ default: '', description: 'Bearer token; required off loopback.' })
      },
      { ...Strict, default: {} }
    ),
    systems: Type.Object({ source: SystemOptions, target: SystemOptions }, Strict),
    realms: Type.Object(
      Object.fromEntries(
        realmNames.map((realm) => [
          realm,
          Type.Optional(Type.Object({ hosts: Type.Array(Type.String({ format: 'host' }), { minItems: 1 }) }, Strict))
        ])
      ),
      { ...Strict, default: {}, description: 'The hosts that each realm answers.' }
    ),
    defaultRealm: Type.Optional(Realm),
    apis: Type.Object(
      {
        billing: Prefixes(['/rest', '/soap', '/espf', '/doc/api']),
        portasip: Prefixes(['/portasip']),
        callcontrol: Prefixes(['/callcontrol'])
      },
      { ...Strict, default: {} }
    ),
    plugins: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description: 'true, false or options, by name; the catalogue knows their schemas.'
    })
  },
  Strict
)

/** A plugin's checked options; each plugin's schema says what is in them. */
export type PluginOptions = Readonly<Record<string, unknown>>

/** Whether an optional plugin is on: with these options, or null. */
export interface Choice {
  readonly name: string
  readonly options: PluginOptions | null
  /** What a plugin that would be on by default misses; null for one that is on or was turned off. */
  readonly aside: string | null
}

/** A team's own Fastify plugin. */
export interface TeamPlugin {
  readonly name: string
  /** The file that is imported. */
  readonly file: string
  readonly options: PluginOptions
}

export type Checked = Static<typeof BaseSchema>
export type Config = Readonly<
  Omit<Checked, 'plugins' | 'realms' | 'defaultRealm' | 'trustProxy'> & {
    readonly realms: Partial<Record<RealmName, { readonly hosts: readonly string[] }>>
    readonly defaultRealm: RealmName | undefined
    readonly trustProxy: false | string | string[]
    readonly plugins: readonly Choice[]
    readonly teamPlugins: readonly TeamPlugin[]
  }
>

/**
 * How a deployment describes a system: where it is, how it proves itself, when it is given up.
 */
import { type Static, Type } from '../../core/schema.ts'
import { realmNames } from '../../core/words.ts'

const milliseconds = (name: string, otherwise: number) =>
  Type.Integer({ minimum: 1, default: otherwise, description: `${name}, ms.` })
const HttpUrl = Type.String({ format: 'http-origin', description: 'An http(s) URL without a path.' })
const File = Type.String({ format: 'file', description: 'A file, relative to the config file.' })

export const SystemOptions = Type.Object(
  {
    release: Type.String({
      minLength: 1,
      description: 'The release, such as MR100; its number makes versioned hosts.'
    }),
    url: HttpUrl,
    realms: Type.Object(Object.fromEntries(realmNames.map((realm) => [realm, Type.Optional(HttpUrl)])), {
      default: {},
      additionalProperties: false,
      description: 'URLs of realms that have their own.'
    }),
    tls: Type.Object(
      {
        ca: Type.Optional(File),
        cert: Type.Optional(File),
        key: Type.Optional(File),
        servername: Type.Optional(
          Type.String({ minLength: 1, description: 'The name that the certificate must have.' })
        ),
        insecure: Type.Boolean({ default: false, description: 'true accepts any certificate, and warns.' })
      },
      {
        default: {},
        additionalProperties: false,
        description: 'How the system proves who it is, and the gateway to it.'
      }
    ),
    connections: Type.Integer({ minimum: 1, default: 128, description: 'Sockets per realm URL.' }),
    limits: Type.Object(
      {
        inFlight: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'Requests at once, below `connections`; fifteen sixteenths of it when absent.'
          })
        ),
        queue: Type.Integer({ minimum: 0, default: 512, description: 'Requests that may wait for their turn.' }),
        wait: milliseconds('Longest wait', 500)
      },
      { default: {}, additionalProperties: false, description: 'How much the system is given at once.' }
    ),
    timeouts: Type.Object(
      {
        connect: milliseconds('Until a connection stands', 2000),
        headers: milliseconds("Until an answer's headers are here", 30_000),
        body: milliseconds("Between two parts of an answer's body", 60_000)
      },
      { default: {}, additionalProperties: false, description: 'When a system is given up.' }
    ),
    health: Type.Union(
      [
        Type.Literal(false),
        Type.Object(
          {
            path: Type.String({ pattern: '^/', default: '/rest/Generic/get_version', description: 'What is asked.' }),
            interval: milliseconds('Between two probes', 5000)
          },
          { additionalProperties: false }
        )
      ],
      { default: {}, description: 'Probes; false means reachable until a call proves otherwise.' }
    ),
    keys: Type.Union([Type.String(), Type.Array(Type.String())], {
      default: [],
      description: "PEM files or JWKS URLs that verify this system's access tokens."
    })
  },
  { additionalProperties: false }
)
export type SystemOptions = Static<typeof SystemOptions>

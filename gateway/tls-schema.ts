/**
 * How a listener proves who it is, and what it tells browsers of that.
 */
import { type Static, Type } from '../core/schema.ts'

const Strict = { additionalProperties: false } as const
const files = {
  cert: Type.String({ format: 'file', description: 'The certificate with its chain, PEM.' }),
  key: Type.String({ format: 'file', description: 'Its private key, PEM.' })
}

export const ListenerTls = Type.Object(
  {
    ...files,
    certificates: Type.Optional(
      Type.Array(
        Type.Object({ hosts: Type.Array(Type.String({ format: 'host' }), { minItems: 1 }), ...files }, Strict),
        { description: 'Others than the first, by the host that a client names (SNI).' }
      )
    ),
    hsts: Type.Optional(
      Type.Union(
        [
          Type.Literal(false),
          Type.Object(
            {
              maxAge: Type.Integer({ minimum: 0, description: 'Seconds that a browser comes by HTTPS alone.' }),
              includeSubDomains: Type.Optional(Type.Boolean()),
              preload: Type.Optional(Type.Boolean())
            },
            Strict
          )
        ],
        { description: 'Strict-Transport-Security on every answer (RFC 6797).' }
      )
    )
  },
  Strict
)
export type ListenerTls = Static<typeof ListenerTls>
